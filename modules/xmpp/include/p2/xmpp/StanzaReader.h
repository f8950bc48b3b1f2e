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
  /// A stanza beyond the limits has ended. `head`: its name and attributes; the rest was not kept.
  virtual void onRefused(Element head, std::string_view why) = 0;
};

/// Reads an XMPP stream (RFC 6120 §4, §11.1) with Poco's SAX parser and hands out each stanza as soon as its
/// last byte is there. Memory is bounded whatever comes: a stanza beyond the limits is passed over and
/// reported, one far beyond ends the stream. Used by the reader thread only.
class StanzaReader {
 public:
  struct Limits {
    std::size_t stanzaSize = 262144;    ///< bytes of XML
    std::size_t depth = 32;             ///< elements inside each other, the stanza being the first
    std::size_t attributes = 64;        ///< of one element
    std::size_t elements = 1024;        ///< of one stanza
    std::size_t skippedSize = 8388608;  ///< bytes of a refused stanza after which the stream ends
    /// Depth in a refused stanza after which the stream ends: beyond what fits into a stanza that a server
    /// lets through, or anybody could end the stream.
    std::size_t skippedDepth = 131072;
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
