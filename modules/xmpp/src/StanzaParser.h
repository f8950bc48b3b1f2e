#pragma once

#include "p2/xmpp/Element.h"

#include <Poco/SAX/SAXParser.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// Reads whole stanzas with Poco's SAX parser. Each call reads one document of its own, the stream's start
/// tag in front and its end tag behind, so that a fault ends nothing but this document, and what expat keeps
/// of it (every name that it met) goes with it.
///
/// Used by the reader thread only.
class StanzaParser {
 public:
  struct Fault {
    std::string condition;  ///< The stream error that RFC 6120 §4.9.3 has for it.
    std::string text;
    /// Whether the stream must end: forbidden XML (§11.1), or no memory. Else the stanza's own fault.
    bool endsStream = false;
  };
  struct Parsed {
    std::size_t stanzas = 0;     ///< How many were handed out.
    std::optional<Fault> fault;  ///< Of the next one.
  };
  using OnStanza = std::function<void(Element)>;

  StanzaParser();

  /// Reads the stream's start tag, which is kept for all that follows.
  std::optional<Fault> open(std::string_view startTag, const OnStanza& onOpen);

  /// Reads whole children of the stream and hands out each that is read. REQUIRES: open() gave no fault;
  /// `onStanza` does not throw.
  Parsed parse(std::span<const std::string_view> stanzas, const OnStanza& onStanza);

  /// The name of a stanza that is not read, and those of its attributes that an answer needs: of a start tag,
  /// or of the whole attributes at the beginning of one. Nothing if they are not readable either, or its type
  /// is given twice.
  std::optional<Element> head(std::string_view startTag);

 private:
  class Builder;

  std::optional<Fault> read(Builder& builder);

  Poco::XML::SAXParser _parser;
  std::string _header;
  std::string _footer;
  std::string _document;
};

}  // namespace p2::xmpp
