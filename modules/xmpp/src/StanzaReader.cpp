#include "p2/xmpp/StanzaReader.h"

#include "StanzaGate.h"
#include "StanzaParser.h"

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace p2::xmpp {

namespace {

using End = StanzaReader::End;

constexpr std::size_t kChunk = 32768;

End faultOf(const StanzaParser::Fault& fault) {
  return {End::Kind::fault, fault.condition, fault.text};
}

void refuse(StanzaParser& parser, std::string_view startTag, std::string_view why, StanzaHandler& handler) {
  handler.onRefused(parser.head(startTag).value_or(Element()), why);
}

/// Reads the stanzas that came together, which costs one parser, and passes over those that cannot be read.
std::optional<End> deliver(StanzaParser& parser, std::span<const std::string_view> stanzas,
                           StanzaHandler& handler) {
  while (!stanzas.empty()) {
    const auto parsed =
        parser.parse(stanzas, [&handler](Element stanza) { handler.onStanza(std::move(stanza)); });
    stanzas = stanzas.subspan(parsed.stanzas);
    if (!parsed.fault) break;
    if (parsed.fault->endsStream || stanzas.empty()) return faultOf(*parsed.fault);
    refuse(parser, stanzas.front(), "not well-formed", handler);
    stanzas = stanzas.subspan(1);
  }
  return std::nullopt;
}

}  // namespace

StanzaReader::End StanzaReader::read(ByteSource& source, StanzaHandler& handler) const {
  StanzaGate gate(_limits);
  StanzaParser parser;
  std::vector<std::string_view> whole;
  for (;;) {
    const auto piece = gate.next();
    if (piece.kind == StanzaGate::Piece::Kind::stanza) {
      whole.push_back(piece.bytes);
      continue;
    }
    const auto end = deliver(parser, whole, handler);
    if (end) return *end;
    whole.clear();
    switch (piece.kind) {
      case StanzaGate::Piece::Kind::opened:
        if (const auto fault =
                parser.open(piece.bytes, [&](const Element& header) { handler.onStreamOpen(header); })) {
          return faultOf(*fault);
        }
        break;
      case StanzaGate::Piece::Kind::refused:
        refuse(parser, piece.bytes, piece.why, handler);
        break;
      case StanzaGate::Piece::Kind::closed:
        return {End::Kind::closed, {}, {}};
      case StanzaGate::Piece::Kind::fault:
        return {End::Kind::fault, std::string(piece.bytes), std::string(piece.why)};
      case StanzaGate::Piece::Kind::needsInput: {
        const std::size_t count = source.read(gate.prepare(kChunk), kChunk);
        if (count == 0) return {};
        gate.commit(count);
        break;
      }
      case StanzaGate::Piece::Kind::stanza:
        break;
    }
  }
}

}  // namespace p2::xmpp
