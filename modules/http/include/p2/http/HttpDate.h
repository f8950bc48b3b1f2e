#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace p2::http {

/// Reads a date in one of the three forms of RFC 9110 §5.6.7; nothing if `text` is none of them.
std::optional<std::chrono::system_clock::time_point> parseHttpDate(const std::string& text);

}  // namespace p2::http
