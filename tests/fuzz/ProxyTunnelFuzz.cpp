// Input: how many sizes of pieces follow, one byte; the sizes; and a proxy's answer to CONNECT, which is read
// in pieces of those sizes and at once.

#include "Fuzz.h"
#include "Pieces.h"
#include "ProxyTunnel.h"

#include <algorithm>
#include <string>

using p2::http::TunnelAnswer;
using p2::test::require;
using State = TunnelAnswer::State;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto text = p2::test::textOf(data, size);
  const std::size_t sizeCount = std::min<std::size_t>(data[0] % 8, size - 1);
  const auto stream = text.substr(1 + sizeCount);

  TunnelAnswer whole;
  whole.feed(stream);
  TunnelAnswer pieces;
  bool decided = false;
  for (const std::string& piece : p2::test::split(stream, text.substr(1, sizeCount))) {
    require(!decided || pieces.state() != State::more, "what is decided stays so");
    pieces.feed(piece);
    decided = pieces.state() != State::more;
  }
  require(pieces.state() == whole.state(), "pieces change nothing");
  switch (whole.state()) {
    case State::open:
      require(whole.status() >= 200 && whole.status() < 300, "a tunnel is open by success alone");
      require(stream.ends_with('\n'), "an open tunnel has said nothing yet");
      break;
    case State::refused:
      require(whole.status() >= 300 && whole.status() <= 999, "a refusal has a status");
      require(pieces.status() == whole.status(), "pieces change no status");
      break;
    case State::more:
      require(stream.size() <= TunnelAnswer::kMostHeader, "an answer has a bound");
      break;
    case State::malformed:
      break;
  }
  return 0;
}
