#pragma once

#include "p2/xmpp/Element.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// Where the bytes of a stream come from: a socket, or a test's string.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Waits for input and gives the number of bytes that it put into `buffer`, or 0 at the end of the input.
  /// Never throws.
  virtual std::size_t read(char* buffer, std::size_t size) noexcept = 0;
};

/// What a reader meets on a stream. Called in the thread that reads; must not throw.
class StanzaHandler {
 public:
  virtual ~StanzaHandler() = default;

  /// The stream header's start tag.
  virtual void onStreamOpen(const Element& header) = 0;
  /// A whole child of the stream: a stanza, a handshake, a stream error.
  virtual void onStanza(Element stanza) = 0;
  /// A stanza that is not read has ended: beyond the limits, or not well-formed. `head`: its name and those
  /// of its attributes that an answer needs, or nothing where they are not readable either; the rest was not
  /// kept.
  virtual void onRefused(Element head, std::string_view why) = 0;
};

/// Reads an XMPP stream (RFC 6120 §4, §11.1) with Poco's SAX parser and hands out each stanza as soon as its
/// last byte is there. Memory is bounded whatever comes. One bad stanza is the fault of that stanza: it is
/// passed over and reported, whether it is beyond the limits or not well-formed, since a server may pass on
/// what strangers send. What no server passes on ends the stream: forbidden XML (§11.1), and faults between
/// the stanzas.
///
/// StanzaGate cuts the bytes into stanzas, StanzaParser reads them. Used by the reader thread only.
class StanzaReader {
 public:
  struct Limits {
    std::size_t stanzaSize = 262144;  ///< bytes of XML
    std::size_t depth = 32;           ///< elements inside each other, the stanza being the first
    std::size_t attributes = 64;      ///< of one element, the declarations of its namespaces among them
    std::size_t elements = 1024;      ///< of one stanza
  };

  /// Why the stream ended.
  struct End {
    enum class Kind {
      closed,      ///< The peer closed the stream in due form.
      endOfInput,  ///< The source ended.
      fault,       ///< The peer broke the rules: `condition` is the stream error to send (RFC 6120 §4.9.3).
    };

    Kind kind = Kind::endOfInput;
    std::string condition;
    std::string text;
  };

  explicit StanzaReader(const Limits& limits) : _limits(limits) {}

  /// Reads one stream from its header to its end. Blocks as long as the source does.
  End read(ByteSource& source, StanzaHandler& handler) const;

 private:
  const Limits _limits;
};

}  // namespace p2::xmpp
