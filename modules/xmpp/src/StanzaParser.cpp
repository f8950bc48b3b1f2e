#include "StanzaParser.h"

#include "p2/xmpp/Namespaces.h"

#include <Poco/SAX/Attributes.h>
#include <Poco/SAX/DefaultHandler.h>
#include <Poco/SAX/SAXException.h>

#include <algorithm>
#include <array>
#include <exception>
#include <utility>
#include <vector>

namespace p2::xmpp {

namespace {

using Fault = StanzaParser::Fault;

constexpr std::string_view kXmlNs = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view kSpace = " \t\r\n";
/// What an answer needs of a stanza (`xmlns`: to tell that it is one).
constexpr std::array<std::string_view, 5> kHeadAttributes{"xmlns", "type", "id", "from", "to"};

std::string endTagOf(std::string_view startTag) {
  return "</" + std::string(startTag.substr(1, startTag.find_first_of(" \t\r\n>") - 1)) + '>';
}

Fault unreadable(const Poco::Exception& exception) {
  const std::string& why = exception.message();
  // Without a document type there are no entities but the five, so any other is one that §11.1 forbids.
  const bool restricted = why.find("ndefined entity") != std::string::npos;
  return {restricted ? "restricted-xml" : "not-well-formed", why, restricted};
}

Fault outOfMemory() {
  return {"internal-server-error", "out of memory while reading a stanza", true};
}

struct RawAttribute {
  std::string_view name;
  std::string_view text;  ///< Name, `=` and quoted value, as they stand in the tag.
};

/// Takes the next whole attribute from the front of `tag`.
std::optional<RawAttribute> takeAttribute(std::string_view& tag) {
  tag.remove_prefix(std::min(tag.find_first_not_of(kSpace), tag.size()));
  const std::size_t nameEnd = tag.find_first_of(" \t\r\n=/>");
  const std::size_t equals = tag.find_first_not_of(kSpace, nameEnd);
  if (equals == std::string_view::npos || tag[equals] != '=') return std::nullopt;
  const std::size_t open = tag.find_first_not_of(kSpace, equals + 1);
  if (open == std::string_view::npos || (tag[open] != '\'' && tag[open] != '"')) return std::nullopt;
  const std::size_t close = tag.find(tag[open], open + 1);
  if (close == std::string_view::npos) return std::nullopt;
  const RawAttribute attribute{tag.substr(0, nameEnd), tag.substr(0, close + 1)};
  tag.remove_prefix(close + 1);
  return attribute;
}

/// The tag with the first of each attribute that an answer needs; nothing if its type, by which it is known
/// whether it may be answered at all, is given twice.
std::optional<std::string> essence(std::string_view tag) {
  const std::size_t nameEnd = std::min(tag.find_first_of(" \t\r\n/>"), tag.size());
  std::string kept(tag.substr(0, nameEnd));
  tag.remove_prefix(nameEnd);
  std::array<bool, kHeadAttributes.size()> seen{};
  while (const auto attribute = takeAttribute(tag)) {
    const auto known = std::find(kHeadAttributes.begin(), kHeadAttributes.end(), attribute->name);
    if (known == kHeadAttributes.end()) continue;
    if (std::exchange(seen[static_cast<std::size_t>(known - kHeadAttributes.begin())], true)) {
      if (attribute->name == "type") return std::nullopt;
      continue;
    }
    kept.append(" ").append(attribute->text);
  }
  return kept + "/>";
}

}  // namespace

/// Builds elements from SAX events: each is a value that moves into its parent when it is complete, so
/// nothing points into a tree that changes. Nothing may be thrown through the C frames of expat.
class StanzaParser::Builder final : public Poco::XML::DefaultHandler {
 public:
  /// `depth`: of the elements that are handed out, the stream being 1.
  Builder(const OnStanza& onElement, std::size_t depth) : _onElement(onElement), _depth(depth) {}

  std::size_t count() const noexcept { return _count; }
  bool failed() const noexcept { return _failed; }

  void startElement(const std::string& uri, const std::string& localName, const std::string& /*qname*/,
                    const Poco::XML::Attributes& attributes) override {
    contain([&] {
      Element element(localName, uri);
      keepAttributes(element, attributes);
      _open.push_back(std::move(element));
    });
  }

  void endElement(const std::string& /*uri*/, const std::string& /*localName*/,
                  const std::string& /*qname*/) override {
    contain([&] { close(); });
  }

  void characters(const char* text, int start, int length) override {
    contain([&] {
      // Between the stanzas there is whitespace.
      if (_open.size() >= 2) _open.back().text.append(text + start, static_cast<std::size_t>(length));
    });
  }

 private:
  template <class Function>
  void contain(Function&& function) noexcept {
    if (_failed) return;
    try {
      function();
    } catch (const std::exception&) {
      _failed = true;
    }
  }

  static void keepAttributes(Element& element, const Poco::XML::Attributes& attributes) {
    element.attributes.reserve(static_cast<std::size_t>(attributes.getLength()));
    for (int i = 0; i < attributes.getLength(); ++i) {
      const std::string& uri = attributes.getURI(i);
      const std::string& name = attributes.getLocalName(i);
      if (uri.empty()) element.attributes.push_back({name, attributes.getValue(i)});
      if (uri == kXmlNs && name == "lang") element.attributes.push_back({"xml:lang", attributes.getValue(i)});
    }
  }

  void close() {
    Element element = std::move(_open.back());
    _open.pop_back();
    if (_open.size() + 1 == _depth) {
      ++_count;
      _onElement(std::move(element));
    } else if (_open.size() >= _depth) {
      _open.back().children.push_back(std::move(element));
    }
  }

  const OnStanza& _onElement;
  const std::size_t _depth;
  std::vector<Element> _open;
  std::size_t _count = 0;
  bool _failed = false;
};

StanzaParser::StanzaParser() : _parser("UTF-8") {
  _parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACES, true);
  // With prefixes: Poco's other strategy gives an element without a namespace that of the element before it.
  _parser.setFeature(Poco::XML::XMLReader::FEATURE_NAMESPACE_PREFIXES, true);
}

std::optional<Fault> StanzaParser::open(std::string_view startTag, const OnStanza& onOpen) {
  _header = startTag;
  _footer = endTagOf(startTag);
  _document = _header + _footer;
  std::optional<Element> header;
  const OnStanza keep = [&header](Element element) { header = std::move(element); };
  Builder builder(keep, 1);
  if (auto fault = read(builder)) return fault;
  if (!header->is("stream", ns::kStreams)) {
    return Fault{"invalid-namespace", "what the server opened is not an XMPP stream", true};
  }
  onOpen(std::move(*header));
  return std::nullopt;
}

StanzaParser::Parsed StanzaParser::parse(std::span<const std::string_view> stanzas,
                                         const OnStanza& onStanza) {
  _document = _header;
  for (const auto stanza : stanzas) _document += stanza;
  _document += _footer;
  Builder builder(onStanza, 2);
  auto fault = read(builder);
  return {builder.count(), std::move(fault)};
}

std::optional<Element> StanzaParser::head(std::string_view startTag) {
  const auto tag = essence(startTag);
  if (!tag) return std::nullopt;
  std::optional<Element> head;
  const std::array<std::string_view, 1> stanzas{*tag};
  parse(stanzas, [&head](Element element) { head = std::move(element); });
  return head;
}

std::optional<Fault> StanzaParser::read(Builder& builder) {
  _parser.setContentHandler(&builder);
  std::optional<Fault> fault;
  try {
    _parser.parseMemoryNP(_document.data(), _document.size());
  } catch (const Poco::Exception& exception) {
    fault = unreadable(exception);
  } catch (const std::exception&) {
    fault = outOfMemory();
  }
  _parser.setContentHandler(nullptr);
  if (builder.failed()) return outOfMemory();
  return fault;
}

}  // namespace p2::xmpp
