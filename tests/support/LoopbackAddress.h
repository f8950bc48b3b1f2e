#pragma once

#include "p2/http/Dial.h"

#include <cstdint>

namespace p2::test {

inline http::Address at(std::uint16_t port) {
  return {"127.0.0.1", port};
}

}  // namespace p2::test
