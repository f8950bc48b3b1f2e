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

/// For a text that goes on: without the full stop at its end.
inline std::string withoutStop(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return text;
}

/// For a text that ends: with a full stop, unless it has a mark of its own.
inline std::string withStop(std::string text) {
  if (!text.ends_with('.') && !text.ends_with('?')) text += '.';
  return text;
}

}  // namespace p2::app
