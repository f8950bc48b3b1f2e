// Input: choices, of which a stream of element trees is drawn, on and around small limits and with harm in
// every place; behind the last byte 0xFF the sizes of the pieces in which it comes.
//
// What is read, what is refused and what ends the stream is compared with the trees themselves.

#include "Fuzz.h"
#include "Memory.h"
#include "Pieces.h"
#include "Trees.h"

#include <array>
#include <string>
#include <vector>

using p2::test::Draw;
using p2::test::require;
using p2::test::Sample;
using p2::xmpp::Element;
using p2::xmpp::StanzaReader;
using Kind = StanzaReader::End::Kind;

namespace {

constexpr std::array<std::string_view, 4> kHeadAttributes{"type", "id", "from", "to"};
// The reader's chunks of input, a stanza of the largest size, its document and its parser.
constexpr std::size_t kMostMemory = 400000;

struct Event {
  bool refused;
  Element element;

  bool operator==(const Event&) const = default;
};

class Events final : public p2::xmpp::StanzaHandler {
 public:
  void onStreamOpen(const Element& header) override {
    opened += header.is("stream", "http://etherx.jabber.org/streams");
  }
  void onStanza(Element stanza) override { all.push_back({false, std::move(stanza)}); }
  void onRefused(Element head, std::string_view why) override {
    require(!why.empty(), "a refusal says why");  // of several reasons the one that was met first
    all.push_back({true, std::move(head)});
  }

  int opened = 0;
  std::vector<Event> all;
};

/// Keeps nothing.
class Counter final : public p2::xmpp::StanzaHandler {
 public:
  void onStreamOpen(const Element& /*header*/) override {}
  void onStanza(Element /*stanza*/) override { ++count; }
  void onRefused(Element /*head*/, std::string_view /*why*/) override { ++count; }

  std::size_t count = 0;
};

class Pieces final : public p2::xmpp::ByteSource {
 public:
  explicit Pieces(const std::vector<std::string>& pieces) : _pieces(pieces) {}

  std::size_t read(char* buffer, std::size_t size) noexcept override {
    if (_next == _pieces.size()) return 0;
    const std::size_t count = _pieces[_next].copy(buffer, size, _offset);
    _offset += count;
    if (_offset == _pieces[_next].size()) {
      ++_next;
      _offset = 0;
    }
    return count;
  }

 private:
  const std::vector<std::string>& _pieces;
  std::size_t _next = 0;
  std::size_t _offset = 0;
};

StanzaReader::End read(const std::vector<std::string>& pieces, p2::xmpp::StanzaHandler& handler) {
  Pieces source(pieces);
  return StanzaReader(p2::test::smallLimits()).read(source, handler);
}

void checkRefused(const Sample& sample, const Event& event) {
  require(event.refused, "what is beyond the limits or not well-formed is refused");
  for (const auto name : kHeadAttributes) {
    const auto told = event.element.attribute(name);
    require(told == sample.head.attribute(name) || (!sample.headIsWhole && told.empty()),
            "of a refused stanza is told what an answer needs, and nothing else");
  }
  if (sample.headIsWhole) require(event.element.name == sample.head.name, "a refused stanza's name is told");
}

/// Compares what came out with what was drawn; gives whether the stream must have ended before its end tag.
bool checkEvents(const std::vector<Sample>& samples, const std::vector<Event>& events) {
  std::size_t at = 0;
  for (const auto& sample : samples) {
    if (sample.fate == Sample::Fate::endsStream) {
      require(at == events.size(), "nothing comes out behind what ends a stream");
      return true;
    }
    require(at < events.size(), "each stanza comes out");
    const auto& event = events[at++];
    if (sample.fate == Sample::Fate::refused) {
      checkRefused(sample, event);
    } else {
      require(!event.refused, "what is well-formed and within the limits is read");
      require(event.element == sample.meant, "a stanza is read as it was meant");
    }
  }
  require(at == events.size(), "nothing comes out twice");
  return false;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = p2::test::textOf(data, size);
  const std::size_t mark = input.rfind('\xff');
  Draw draw(input.substr(0, mark));
  const std::string_view sizes = mark == std::string_view::npos ? "" : input.substr(mark + 1);

  std::vector<Sample> samples;
  std::string stream(p2::test::kStreamStart);
  do {
    auto stanza = p2::test::drawTree(draw, draw.below(4) == 0 ? "message" : "iq");
    for (const auto name : kHeadAttributes) {
      if (draw.below(5) > 0)
        stanza = std::move(stanza).withAttribute(std::string(name), "<" + std::string(name));
    }
    samples.push_back(p2::test::spoil(draw, std::move(stanza), p2::test::smallLimits()));
    stream += samples.back().xml;
    if (draw.below(2) == 1) stream += " \n";
  } while (!draw.empty() && samples.size() < 40);
  stream += "</stream:stream>";
  p2::test::rendered = stream;

  Events whole;
  const std::vector<std::string> atOnce{stream};
  const auto wholeEnd = read(atOnce, whole);
  require(whole.opened == 1, "the stream is opened once");
  const bool ended = checkEvents(samples, whole.all);
  require(wholeEnd.kind == (ended ? Kind::fault : Kind::closed), "only forbidden XML ends a stream");
  if (ended) require(wholeEnd.condition == "restricted-xml", "forbidden XML is told as such");

  const auto pieces = p2::test::split(stream, sizes);
  Events inPieces;
  const auto piecesEnd = read(pieces, inPieces);
  require(whole.all == inPieces.all, "what comes out is the same however the input is split");
  require(wholeEnd.kind == piecesEnd.kind && wholeEnd.condition == piecesEnd.condition,
          "the stream ends in the same way however the input is split");

  Counter counter;
  const p2::test::MemoryMeter meter;
  read(atOnce, counter);
  require(meter.peak() < kMostMemory, "memory is bounded whatever comes");
  p2::test::rendered = {};
  return 0;
}
