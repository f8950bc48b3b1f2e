#include "p2/core/Words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace p2::core {

namespace {

/// Year, month, day, hour, minute and second of a text in that form, whatever they are.
std::optional<std::array<int, 6>> numbersOfIsoTime(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) return std::nullopt;
  std::array<int, 6> parts{};
  std::size_t part = 0;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != 'd') {
      if (text[i] != kForm[i]) return std::nullopt;
      ++part;
    } else if (text[i] >= '0' && text[i] <= '9') {
      parts[part] = parts[part] * 10 + (text[i] - '0');
    } else {
      return std::nullopt;
    }
  }
  return parts;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string inWords(std::chrono::seconds duration) {
  constexpr std::array kUnits{std::pair{86400, "d"}, std::pair{3600, "h"}, std::pair{60, "min"},
                              std::pair{1, "s"}};
  auto left = std::max<std::int64_t>(0, duration.count());
  std::string text;
  int shown = 0;
  for (const auto& [size, name] : kUnits) {
    if (left < size && shown == 0) continue;
    if (shown == 2) break;
    ++shown;
    if (left >= size) text += (text.empty() ? "" : " ") + std::to_string(left / size) + ' ' + name;
    left %= size;
  }
  return text.empty() ? "0 s" : text;
}

std::string isoTime(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm date{};
  ::gmtime_r(&seconds, &date);
  std::array<char, 96> text{};
  (void)std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", date.tm_year + 1900,
                      date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec);
  return text.data();
}

std::optional<std::chrono::sys_seconds> parseIsoTime(std::string_view text) {
  const auto numbers = numbersOfIsoTime(text);
  if (!numbers) return std::nullopt;
  const auto& parts = *numbers;
  if (parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  std::tm date{};
  date.tm_year = parts[0] - 1900;
  date.tm_mon = parts[1] - 1;
  date.tm_mday = parts[2];
  const std::time_t day = ::timegm(&date);
  // timegm turns the 31st of June into the 1st of July.
  if (date.tm_mon != parts[1] - 1 || date.tm_mday != parts[2]) return std::nullopt;
  // Not by system_clock: its nanoseconds end in the year 2262.
  return std::chrono::sys_seconds(std::chrono::seconds(day)) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]);
}

std::string withoutStop(std::string text) {
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string withStop(std::string text) {
  if (!text.ends_with('.') && !text.ends_with('?')) text += '.';
  return text;
}

std::string afterColon(std::string text) {
  for (const std::string_view word : {"The ", "Environment "}) {
    if (text.starts_with(word)) text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

}  // namespace p2::core
