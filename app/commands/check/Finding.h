#pragma once

#include <string>
#include <string_view>

namespace p2::app {

/// One line of `p2 check`. A value.
struct Finding {
  enum class State { ok, warning, fault };

  std::string_view check;  ///< What was looked at.
  State state = State::ok;
  std::string text;  ///< What is so, or what is wrong and what to do.
  int exitCode = 0;  ///< Of sysexits.h, for a fault.
};

}  // namespace p2::app
