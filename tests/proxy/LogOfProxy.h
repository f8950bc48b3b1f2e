#pragma once

#include "support/LogOf.h"

namespace p2::test {

/// The lines of the logger "proxy" while this object lives.
class LogOfProxy : public LogOf {
 public:
  LogOfProxy() : LogOf("proxy") {}
};

}  // namespace p2::test
