#include "ChunkedBody.h"
#include "support/Catch.h"

#include <string>

using p2::http::ChunkedBody;
using State = ChunkedBody::State;

namespace {

constexpr std::size_t kMost = 20;

struct Decoded {
  State state;
  std::string body;
  std::size_t taken;
};

/// In pieces of `size` bytes.
Decoded decode(const std::string& text, std::size_t size) {
  ChunkedBody chunks(kMost);
  Decoded decoded{State::more, {}, 0};
  for (std::size_t at = 0; at < text.size() && chunks.state() == State::more; at += size) {
    const auto piece = text.substr(at, size);
    const auto taken = chunks.feed(piece, decoded.body);
    decoded.taken += taken;
    if (chunks.state() == State::more) CHECK(taken == piece.size());
  }
  decoded.state = chunks.state();
  return decoded;
}

}  // namespace

TEST_CASE("A chunked body is decoded to its end and no further, however it comes") {
  struct Case {
    std::string text;
    State state;
    std::string body;
    std::string rest;
  };
  const std::string manyZeros(40, '0'), longLine(ChunkedBody::kMostLine, 'x');
  std::string manyTrailers;
  while (manyTrailers.size() <= ChunkedBody::kMostTrailers) manyTrailers += "Name: value\r\n";
  const Case cases[] = {
      {"3\r\nabc\r\n0\r\n\r\n", State::done, "abc", ""},
      {"3\r\nabc\r\n4\r\n\r\n\r\n\r\n0\r\n\r\nHTTP/1.1", State::done, "abc\r\n\r\n", "HTTP/1.1"},
      {"0\r\n\r\n", State::done, "", ""},
      {"000\r\n\r\n\r\n", State::done, "", "\r\n"},
      {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", State::done, "01234567890123456789", ""},
      {"3\nabc\n0\n\n", State::done, "abc", ""},
      {"3;name=value;other=\"a;b\"\r\nabc\r\n0;x\r\n\r\n", State::done, "abc", ""},
      {"3  \r\nabc\r\n0 \r\n\r\n", State::done, "abc", ""},
      {"3\r\nabc\r\n0\r\nExpires: never\r\nX: 0\r\n\r\n?", State::done, "abc", "?"},
      // What goes on.
      {"", State::more, "", ""},
      {"3", State::more, "", ""},
      {"3\r\nab", State::more, "ab", ""},
      {"3\r\nabc\r\n0\r\n", State::more, "abc", ""},
      {"3\r\nabc\r\n0\r\n\r", State::more, "abc", ""},
      {"3\r\nabc\r\n0\r\nX: 0\r\n", State::more, "abc", ""},
      // What is none.
      {"\r\n", State::malformed, "", "\n"},
      {"xyz\r\n", State::malformed, "", "yz\r\n"},
      {"-1\r\n", State::malformed, "", "1\r\n"},
      {"0x3\r\n", State::malformed, "", "3\r\n"},
      {"3\rabc", State::malformed, "", "bc"},
      {"3\r\nabcd", State::malformed, "abc", ""},
      {"3\r\nabc\rx", State::malformed, "abc", ""},
      {"0\r\n\rx", State::malformed, "", ""},
      {manyZeros, State::malformed, "", manyZeros.substr(16)},
      {"3;" + longLine + "\r\n", State::malformed, "", "\n"},
      {"0\r\n" + longLine + "y\r\n", State::malformed, "", "\r\n"},
      {"0\r\n" + manyTrailers + "\r\n", State::malformed, "",
       manyTrailers.substr(ChunkedBody::kMostTrailers + 1) + "\r\n"},
      // What is too large, at its announcement.
      {"15\r\n", State::tooLarge, "", ""},
      {"14\r\n01234567890123456789\r\n1\r\nx", State::tooLarge, "01234567890123456789", "x"},
      {"7fffffffffffffff\r\n", State::malformed, "", "\r\n"},
      {"fffffffffffffff\r\nx", State::tooLarge, "", "x"},
  };
  for (const auto& [text, state, body, rest] : cases) {
    for (const std::size_t size : {1U, 2U, 3U, 7U, 100000U}) {
      CAPTURE(text.substr(0, 60), size);
      const auto decoded = decode(text, size);
      CHECK(decoded.state == state);
      CHECK(decoded.body == body);
      CHECK(text.substr(decoded.taken) == rest);
    }
  }
}

TEST_CASE("Every part of a chunked body is unfinished, and none is another") {
  const std::string text = "3;x=y\r\nabc\r\n11\r\n0123456789abcdefg\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    CHECK(decode(text.substr(0, length), 5).state == State::more);
  }
  const auto whole = decode(text, 5);
  CHECK(whole.state == State::done);
  CHECK(whole.body == "abc0123456789abcdefg");
}
