// Input: how much of a body is taken, one byte; how many sizes of pieces follow, one byte; the sizes; and a
// chunked body, which is decoded in pieces of those sizes and at once.

#include "ChunkedBody.h"
#include "Fuzz.h"
#include "Pieces.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using p2::http::ChunkedBody;
using p2::test::require;
using State = ChunkedBody::State;

namespace {

struct Decoded {
  State state = State::more;
  std::string body;
  std::size_t taken = 0;

  bool operator==(const Decoded&) const = default;
};

template <class Pieces>
Decoded decode(const Pieces& pieces, std::size_t most) {
  ChunkedBody chunks(most);
  Decoded decoded;
  for (const std::string_view piece : pieces) {
    const std::size_t taken = chunks.feed(piece, decoded.body);
    require(taken <= piece.size(), "no more is taken than comes");
    require(taken == piece.size() || chunks.state() != State::more, "all is taken of a body that goes on");
    decoded.taken += taken;
    if (chunks.state() != State::more) break;
  }
  decoded.state = chunks.state();
  return decoded;
}

/// The body as one chunk, which has to be decoded to the same.
void checkAgain(const std::string& body, std::size_t most) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (std::size_t left = body.size(); left > 0; left /= 16) size.insert(size.begin(), kDigits[left % 16]);
  const std::string one = body.empty() ? "0\r\n\r\n" : size + "\r\n" + body + "\r\n0\r\n\r\n";
  const auto again = decode(std::vector<std::string_view>{one}, most);
  require(again == Decoded{State::done, body, one.size()}, "what was decoded can be encoded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  auto text = p2::test::textOf(data, size);
  const std::size_t most = data[0];
  const std::size_t sizeCount = std::min<std::size_t>(data[1] % 8, size - 2);
  const auto sizes = text.substr(2, sizeCount);
  const auto stream = text.substr(2 + sizeCount);

  const auto whole = decode(std::vector<std::string_view>{stream}, most);
  require(whole.body.size() <= most, "a body has a bound");
  require(decode(p2::test::split(stream, sizes), most) == whole, "pieces change nothing");
  if (whole.state == State::done) checkAgain(whole.body, most);
  if (whole.state == State::done && whole.taken > 0) {
    const auto cut = decode(std::vector<std::string_view>{stream.substr(0, whole.taken - 1)}, most);
    require(cut.state == State::more, "only the last byte ends a body");
  }
  return 0;
}
