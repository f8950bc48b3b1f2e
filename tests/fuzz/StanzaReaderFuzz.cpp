// Input: the bytes of a stream; behind the last byte 0xFF, which no XML holds, the sizes of the pieces in
// which it comes, over and over again. Without one it comes byte by byte.

#include "Fuzz.h"
#include "Pieces.h"
#include "p2/xmpp/StanzaReader.h"
#include "support/StreamFixture.h"

#include <string>
#include <vector>

using p2::test::Recorder;
using p2::test::require;
using p2::xmpp::StanzaReader;
using Kind = StanzaReader::End::Kind;

namespace {

/// Small, so that a small input reaches them.
StanzaReader::Limits limits() {
  StanzaReader::Limits limits;
  limits.stanzaSize = 4000;
  limits.depth = 8;
  limits.attributes = 8;
  limits.elements = 40;
  return limits;
}

StanzaReader::End read(std::vector<std::string> pieces, Recorder& recorder) {
  p2::test::ScriptedSource source(std::move(pieces), recorder);
  return StanzaReader(limits()).read(source, recorder);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = p2::test::textOf(data, size);
  const std::size_t mark = input.rfind('\xff');
  const std::string_view stream = input.substr(0, mark);
  const std::string_view sizes = mark == std::string_view::npos ? "" : input.substr(mark + 1);

  Recorder whole;
  const auto wholeEnd = read({std::string(stream)}, whole);
  Recorder pieces;
  const auto piecesEnd = read(p2::test::split(stream, sizes), pieces);

  require(whole.header == pieces.header, "the stream header is the same however the input is split");
  require(whole.stanzas == pieces.stanzas, "the stanzas are the same however the input is split");
  require(whole.refused == pieces.refused, "what is refused is the same however the input is split");
  // Whether text at the end that no tag follows is looked at depends on where it lies.
  require((wholeEnd.kind == Kind::closed) == (piecesEnd.kind == Kind::closed),
          "the stream ends in the same way however the input is split");
  require((wholeEnd.kind == Kind::fault) != wholeEnd.condition.empty(), "a fault names its stream error");
  return 0;
}
