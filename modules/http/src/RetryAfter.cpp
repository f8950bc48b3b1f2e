#include "p2/http/RetryAfter.h"

#include "p2/http/HttpDate.h"

#include <algorithm>
#include <cctype>

namespace p2::http {

namespace {

using std::chrono::milliseconds;

milliseconds clamp(milliseconds delay) {
  return std::clamp(delay, milliseconds{0}, milliseconds{kMostRetryAfter});
}

std::string trim(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// More than nine digits is more than the limit anyway, and would overflow.
milliseconds fromDigits(const std::string& digits) {
  if (digits.size() > 9) return milliseconds{kMostRetryAfter};
  return clamp(std::chrono::seconds{std::stol(digits)});
}

}  // namespace

std::optional<milliseconds> parseRetryAfter(const std::string& value,
                                            std::chrono::system_clock::time_point now) {
  const std::string text = trim(value);
  if (text.empty()) return std::nullopt;
  if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    return fromDigits(text);
  }
  const auto date = parseHttpDate(text);
  if (!date) return std::nullopt;
  return clamp(std::chrono::duration_cast<milliseconds>(*date - now));
}

}  // namespace p2::http
