#include "ResponseHead.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace p2::http {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `expected` in lower case.
bool is(std::string_view text, std::string_view expected) {
  return std::equal(text.begin(), text.end(), expected.begin(), expected.end(),
                    [](char c, char other) { return lower(c) == other; });
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// Takes what stands before `separator`, or all, from the front of `text`, and drops the separator.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::string_view takeLine(std::string_view& text) {
  auto line = take(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

/// Whether one of the words of a list is `word`, which is in lower case.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (is(trimmed(take(list, ',')), word)) return true;
  }
  return false;
}

template <class Number>
bool readNumber(std::string_view text, Number& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  return fault == std::errc() && end == text.data() + text.size();
}

bool readStatus(std::string_view line, ResponseHead& head) {
  if (!line.starts_with(ResponseHead::kVersion)) return false;
  head.keepAlive = take(line, ' ').substr(ResponseHead::kVersion.size()) != "0";
  const auto status = take(line, ' ');
  return status.size() == 3 && readNumber(status, head.status) && head.status >= 100;
}

/// False if the answer cannot be used.
bool readField(std::string_view name, std::string_view value, ResponseHead& head) {
  if (is(name, "content-length")) {
    std::uint64_t length = 0;
    if (!readNumber(value, length) || (head.length && *head.length != length)) return false;
    head.length = length;
  } else if (is(name, "transfer-encoding")) {
    head.chunked = is(value, "chunked");
    return head.chunked;
  } else if (is(name, "connection")) {
    head.keepAlive = !lists(value, "close") && (head.keepAlive || lists(value, "keep-alive"));
  } else if (is(name, "retry-after")) {
    head.retryAfter = value;
  } else if (is(name, "date")) {
    head.date = value;
  }
  return true;
}

}  // namespace

std::optional<ResponseHead> ResponseHead::parse(std::string_view text) {
  ResponseHead head;
  if (!readStatus(takeLine(text), head)) return std::nullopt;
  while (!text.empty()) {
    const std::string_view line = takeLine(text);
    if (line.starts_with(' ') || line.starts_with('\t'))
      continue;  // of a field that is folded, which none here is
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    if (!readField(line.substr(0, colon), trimmed(line.substr(colon + 1)), head)) return std::nullopt;
  }
  if (head.chunked) head.length.reset();
  return head;
}

}  // namespace p2::http
