#pragma once

#include <string>

namespace p2::test {

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace p2::test
