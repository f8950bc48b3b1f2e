#include "p2/xmpp/StanzaReader.h"

#include "TagGate.h"
#include "p2/xmpp/Namespaces.h"

#include <Poco/SAX/Attributes.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/InputSource.h>
#include <Poco/SAX/SAXException.h>
#include <Poco/SAX/SAXParser.h>

#include <istream>
#include <optional>
#include <utility>
#include <vector>

namespace p2::xmpp {

namespace {

using Limits = StanzaReader::Limits;
using End = StanzaReader::End;

constexpr std::string_view kXmlNs = "http://www.w3.org/XML/1998/namespace";

/// Builds elements from SAX events. Nothing may be thrown through the C frames of expat, so every fault is
/// kept in `end` and ends the input.
class Builder final : public Poco::XML::DefaultHandler {
 public:
  Builder(const Limits& limits, TagGate& gate, StanzaHandler& handler)
      : _limits(limits), _gate(gate), _handler(handler) {}

  bool ended() const noexcept { return _ended; }
  const End& end() const noexcept { return _end; }

  void startElement(const std::string& uri, const std::string& localName, const std::string& /*qname*/,
                    const Poco::XML::Attributes& attributes) override {
    contain([&] { open(uri, localName, attributes); });
  }

  void endElement(const std::string& /*uri*/, const std::string& /*localName*/,
                  const std::string& /*qname*/) override {
    contain([&] { close(); });
  }

  void characters(const char* text, int start, int length) override {
    contain([&] { append({text + start, static_cast<std::size_t>(length)}); });
  }

 private:
  template <class Function>
  void contain(Function&& function) noexcept {
    if (_ended) return;
    try {
      function();
    } catch (const std::exception&) {
      fail("internal-server-error", "out of memory while reading a stanza");
    }
  }

  void fail(const char* condition, const char* text) {
    _ended = true;
    _end = {End::Kind::fault, condition, text};
    _gate.stop();
  }

  void open(const std::string& uri, const std::string& localName, const Poco::XML::Attributes& attributes) {
    ++_depth;
    if (_depth == 1) {
      openStream(uri, localName, attributes);
      return;
    }
    if (_depth == 2) begin();
    const auto count = static_cast<std::size_t>(attributes.getLength());
    grow(2 * localName.size() + 5);
    if (_depth - 1 > _limits.depth) refuse("nested too deep");
    if (++_elements > _limits.elements) refuse("too many elements");
    if (count > _limits.attributes) refuse("too many attributes");
    if (_refusal.empty()) {
      push(uri, localName, attributes);
    } else if (_depth == 2) {
      openRefused(uri, localName, attributes);
    }
    if (_depth - 1 > _limits.skippedDepth) fail("policy-violation", "a stanza is nested far too deep");
  }

  void openStream(const std::string& uri, const std::string& localName,
                  const Poco::XML::Attributes& attributes) {
    if (uri != ns::kStreams || localName != "stream") {
      fail("invalid-namespace", "what the server opened is not an XMPP stream");
      return;
    }
    if (std::exchange(_opened, true)) return;  // as the first parser has told
    Element header(localName, uri);
    keepAttributes(header, attributes);
    _handler.onStreamOpen(header);
  }

  void begin() {
    _stanza = {};
    _path.clear();
    _refusal.clear();
    _elements = 0;
    _size = 0;
  }

  void push(const std::string& uri, const std::string& localName, const Poco::XML::Attributes& attributes) {
    // A parent's children are only appended to while none of them is open, so the pointers in _path stay
    // valid.
    Element& element = _depth == 2 ? _stanza : _path.back()->children.emplace_back();
    element.name = localName;
    element.ns = uri;
    keepAttributes(element, attributes);
    _path.push_back(&element);
    if (element.hasAttribute(TagGate::kTruncatedMark)) refuse("a tag is too long");
  }

  /// Of the head of what is refused, what an answer needs.
  void openRefused(const std::string& uri, const std::string& localName,
                   const Poco::XML::Attributes& attributes) {
    _stanza.name = localName;
    _stanza.ns = uri;
    for (int i = 0; i < attributes.getLength(); ++i) {
      const std::string& name = attributes.getLocalName(i);
      if (!attributes.getURI(i).empty()) continue;
      if (name == "type" || name == "id" || name == "from" || name == "to") {
        _stanza.attributes.push_back({name, attributes.getValue(i)});
      }
    }
  }

  void keepAttributes(Element& element, const Poco::XML::Attributes& attributes) {
    element.attributes.reserve(static_cast<std::size_t>(attributes.getLength()));
    for (int i = 0; i < attributes.getLength(); ++i) {
      const std::string& uri = attributes.getURI(i);
      const std::string& name = attributes.getLocalName(i);
      grow(name.size() + attributes.getValue(i).size() + 4);
      if (uri.empty()) element.attributes.push_back({name, attributes.getValue(i)});
      if (uri == kXmlNs && name == "lang") element.attributes.push_back({"xml:lang", attributes.getValue(i)});
    }
  }

  void close() {
    --_depth;
    if (_depth == 0 && _gate.parserEnds()) return;
    if (_depth == 0) {
      _ended = true;
      _end = {End::Kind::closed, {}, {}};
      _gate.stop();
    } else if (_depth == 1) {
      finish();
    } else if (_refusal.empty()) {
      _path.pop_back();
    }
  }

  void finish() {
    if (_refusal.empty()) {
      _handler.onStanza(std::move(_stanza));
    } else {
      _handler.onRefused(std::move(_stanza), _refusal);
    }
    begin();
  }

  void append(std::string_view text) {
    if (_depth < 2) return;  // whitespace between stanzas keeps the connection alive and means nothing
    grow(text.size());
    if (_refusal.empty()) _path.back()->text += text;
  }

  void grow(std::size_t bytes) {
    _size += bytes;
    if (_size > _limits.stanzaSize) refuse("too big");
    if (_size > _limits.skippedSize) fail("policy-violation", "a stanza is far too big");
  }

  /// From here to the end of the stanza nothing is kept but its head.
  void refuse(std::string_view why) {
    if (!_refusal.empty() || _depth < 2) return;
    _refusal = why;
    _stanza.children = {};
    _stanza.text = {};
    _path.clear();
  }

  const Limits& _limits;
  TagGate& _gate;
  StanzaHandler& _handler;
  std::size_t _depth = 0;
  std::size_t _elements = 0;
  std::size_t _size = 0;
  Element _stanza;
  std::vector<Element*> _path;
  std::string _refusal;
  bool _opened = false;
  bool _ended = false;
  End _end;
};

/// The stream error for what the parser could not read (RFC 6120 §4.9.3.13, §11.1).
End unreadable(const Poco::Exception& exception) {
  const std::string& why = exception.message();
  // Without a document type there are no entities but the five, so any other is one that §11.1 forbids.
  const bool restricted = why.find("ndefined entity") != std::string::npos;
  return {End::Kind::fault, restricted ? "restricted-xml" : "not-well-formed", why};
}

/// Reads one document with a parser of its own; gives what the parser complains of.
std::optional<End> parse(TagGate& gate, Builder& builder) {
  std::istream input(&gate);
  Poco::XML::InputSource inputSource(input);
  Poco::XML::SAXParser parser("UTF-8");
  try {
    parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
    // With prefixes: Poco's other strategy gives an element without a namespace that of the element before
    // it.
    parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACE_PREFIXES, true);
    parser.setFeature(Poco::XML::SAXParser::FEATURE_PARTIAL_READS, true);
    parser.setContentHandler(&builder);
    parser.parse(&inputSource);
  } catch (const Poco::Exception& exception) {
    return unreadable(exception);
  } catch (const std::exception& exception) {
    return End{End::Kind::fault, "internal-server-error", exception.what()};
  }
  return std::nullopt;
}

}  // namespace

StanzaReader::End StanzaReader::read(ByteSource& source, StanzaHandler& handler) const {
  TagGate gate(source);
  Builder builder(_limits, gate, handler);
  for (;;) {
    const auto fault = parse(gate, builder);
    if (builder.ended()) return builder.end();
    if (!gate.fault().empty()) return {End::Kind::fault, std::string(gate.fault()), "forbidden XML"};
    // A stream that is cut is a document that is not complete: the parser complains of the end alone.
    if (gate.inputEnded()) return {};
    if (fault) return *fault;
    if (!gate.parserEnds()) return {};
    gate.beginNextParser();
  }
}

}  // namespace p2::xmpp
