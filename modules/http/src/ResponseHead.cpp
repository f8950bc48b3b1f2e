#include "ResponseHead.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

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

/// Reads line by line what decides how the answer goes on, which is judged when all is known.
class Reader {
 public:
  bool readStatus(std::string_view line) {
    const auto status = statusOf(line);
    _old = line.starts_with("HTTP/1.0 ");
    _head.status = status.value_or(0);
    return status.has_value();
  }

  /// False if nobody could tell for sure what the field means (RFC 9112 §5, §6.1, §6.3).
  bool readField(std::string_view line) {
    // A line that begins with a space would go on with the field before, a name that ends with one is none.
    const auto name = line.substr(0, std::min(line.find(':'), line.size()));
    if (name.empty() || name.size() == line.size() || name.find_first_of(" \t") != std::string_view::npos) {
      return false;
    }
    const auto value = trimmed(line.substr(name.size() + 1));
    if (is(name, "content-length")) return readLength(value);
    if (is(name, "transfer-encoding")) return !std::exchange(_head.chunked, true) && is(value, "chunked");
    if (is(name, "connection")) {
      _close = _close || lists(value, "close");
      _keep = _keep || lists(value, "keep-alive");
    }
    if (is(name, "retry-after")) _head.retryAfter = value;
    if (is(name, "date")) _head.date = value;
    return true;
  }

  ResponseHead finish() {
    // Chunks count where there is a length as well, or from an old server, but not for what comes after them.
    const bool doubtful = _head.chunked && (_head.length || _old);
    _head.keepAlive = !_close && (_keep || !_old) && !doubtful;
    if (_head.chunked) _head.length.reset();
    return std::move(_head);
  }

 private:
  bool readLength(std::string_view value) {
    std::uint64_t length = 0;
    if (!readNumber(value, length) || (_head.length && *_head.length != length)) return false;
    _head.length = length;
    return true;
  }

  ResponseHead _head;
  bool _old = false;  // HTTP/1.0
  bool _close = false;
  bool _keep = false;
};

}  // namespace

std::optional<int> statusOf(std::string_view text) {
  auto line = takeLine(text);
  if (!take(line, ' ').starts_with(ResponseHead::kVersion)) return std::nullopt;
  const auto digits = take(line, ' ');
  int status = 0;
  if (digits.size() != 3 || !readNumber(digits, status) || status < 100) return std::nullopt;
  return status;
}

std::optional<ResponseHead> ResponseHead::parse(std::string_view text) {
  Reader reader;
  if (!reader.readStatus(takeLine(text))) return std::nullopt;
  while (!text.empty()) {
    if (!reader.readField(takeLine(text))) return std::nullopt;
  }
  return reader.finish();
}

}  // namespace p2::http
