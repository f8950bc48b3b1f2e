#include "ChunkedBody.h"

#include <algorithm>
#include <optional>

namespace p2::http {

namespace {

// A size of more is none that anybody means, and would overflow.
constexpr std::size_t kMostDigits = 15;

std::optional<unsigned> hexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

}  // namespace

std::size_t ChunkedBody::feed(std::string_view input, std::string& body) {
  std::size_t at = 0;
  while (at < input.size() && _state == State::more) {
    if (_part != Part::data) {
      take(input[at++]);
      continue;
    }
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(_chunk, input.size() - at));
    body.append(input, at, count);
    at += count;
    _left -= count;
    _chunk -= count;
    if (_chunk == 0) _part = Part::dataEnd;
  }
  return at;
}

/// A line may end without its carriage return, as some servers have it (RFC 9112 §2.2).
void ChunkedBody::take(char c) {
  switch (_part) {
    case Part::size:
      return takeSize(c);
    case Part::extension:
      if (++_line > kMostLine) _state = State::malformed;
      if (c == '\n') endSize();
      return;
    case Part::sizeEnd:
      if (c != '\n')
        _state = State::malformed;
      else
        endSize();
      return;
    case Part::data:
      return;
    case Part::dataEnd:
      if (c == '\r') return expect(true, Part::dataLineEnd);
      return expect(c == '\n', Part::size);
    case Part::dataLineEnd:
      return expect(c == '\n', Part::size);
    case Part::trailerBegin:
      if (c == '\r') return expect(true, Part::lastLineEnd);
      if (c == '\n')
        _state = State::done;
      else
        takeTrailer(c);
      return;
    case Part::trailer:
      return takeTrailer(c);
    case Part::lastLineEnd:
      _state = c == '\n' ? State::done : State::malformed;
      return;
  }
}

void ChunkedBody::takeSize(char c) {
  if (const auto digit = hexDigit(c)) {
    _chunk = _chunk * 16 + *digit;
    // Nor is there a body of so many zeros.
    if (++_digits > kMostDigits) _state = State::malformed;
    return;
  }
  if (_digits == 0) return expect(false, Part::size);
  if (c == '\n') return endSize();
  if (c == '\r') return expect(true, Part::sizeEnd);
  // Some servers fill the line up with spaces.
  expect(c == ';' || c == ' ' || c == '\t', Part::extension);
}

void ChunkedBody::endSize() {
  if (_state != State::more) return;
  _digits = 0;
  _line = 0;
  if (_chunk == 0) {
    _part = Part::trailerBegin;
  } else if (_chunk > _left) {
    _state = State::tooLarge;
  } else {
    _part = Part::data;
  }
}

void ChunkedBody::takeTrailer(char c) {
  if (++_line > kMostLine || ++_trailers > kMostTrailers) _state = State::malformed;
  _part = c == '\n' ? Part::trailerBegin : Part::trailer;
  if (c == '\n') _line = 0;
}

void ChunkedBody::expect(bool right, Part next) {
  if (right) {
    _part = next;
  } else {
    _state = State::malformed;
  }
}

}  // namespace p2::http
