#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace p2::http {

/// What a peer may ask for at most; more is cut to it.
inline constexpr std::chrono::hours kMostRetryAfter{1};

/// Reads the value of a Retry-After header (RFC 9110 §10.2.3), seconds or a date, as a delay from `now`
/// between zero and kMostRetryAfter. Nothing if it is neither.
std::optional<std::chrono::milliseconds> parseRetryAfter(const std::string& value,
                                                         std::chrono::system_clock::time_point now);

}  // namespace p2::http
