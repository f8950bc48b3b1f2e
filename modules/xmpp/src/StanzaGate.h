#pragma once

#include "p2/xmpp/StanzaReader.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// Cuts the bytes of a stream into its start tag, its whole stanzas and its end tag, and holds each stanza
/// until its last byte is there, so that the parser behind it reads whole documents only and a stanza's fault
/// is that stanza's alone.
///
///     <stream:stream …>  <iq …>…</iq>  <iq>……………………     </stream:stream>
///     opened             stanza        refused: its head  closed
///
/// It counts what StanzaReader::Limits bound: of a stanza beyond them it drops all but the start tag as it
/// comes, so memory is bounded by Limits::stanzaSize and one chunk of input, whatever is sent and however
/// long it goes on. And it ends the stream on what RFC 6120 §11.1 forbids, before a parser sees it.
///
/// What is a tag it tells by depth and quotes alone; whether names match, prefixes are bound and characters
/// are allowed is the parser's to judge. A server may pass on what it parsed loosely (MongooseIM's parser
/// takes
/// `<a'b/>` and `<a<b/>`), and nobody must be able to hide the end of a stanza: a quote opens a value behind
/// `=` only, and a tag's name may hold anything. Where it is not certain what a tag is, as in `<a <b/>`, the
/// stream ends: no server that knows what a tag is sends that.
///
/// No sockets, no parser. Used by the reader thread only.
class StanzaGate {
 public:
  struct Piece {
    enum class Kind {
      needsInput,  ///< Nothing more is whole.
      opened,      ///< `bytes`: the stream's start tag.
      stanza,      ///< `bytes`: a whole child of the stream.
      refused,     ///< A child beyond the limits has ended. `bytes`: its start tag, or the beginning of that.
                   ///< `why`: for a log.
      closed,      ///< The stream's end tag.
      fault,       ///< The stream must end. `bytes`: the stream error's condition. `why`: for a log.
    };

    Kind kind = Kind::needsInput;
    /// Valid until the next piece but `stanza` and `needsInput`, or the next prepare().
    std::string_view bytes;
    std::string_view why;
  };

  /// `limits` must outlive the gate.
  explicit StanzaGate(const StanzaReader::Limits& limits) : _limits(limits) {}

  /// The next piece of what was added. After `closed` or `fault` there is no other.
  Piece next();

  /// Room for `size` more bytes of input. Drops what pieces have been made of.
  char* prepare(std::size_t size);
  /// Takes over the first `size` bytes of that room. REQUIRES: prepare() gave it, with as many bytes or more.
  void commit(std::size_t size);

 private:
  enum class State {
    text,
    opening,      // after `<`
    declaration,  // inside `<?xml … ?>`
    cdata,
    name,   // of a start tag
    tag,    // a start tag behind its name
    value,  // after `=`
    singleQuoted,
    doubleQuoted,
    endTag,
  };

  void step();
  void scanText();
  void scanBetweenStanzas();
  void scanOpening();
  void chooseOpening();
  void scanDeclaration();
  void scanCdata();
  void scanStartTag();
  void beginValue(char quote);
  void scanQuoted(char quote);
  void scanEndTag();
  void beginElement();
  void endStartTag();
  void closeElement();
  void endStream();
  void endStanza();
  void bound();
  void refuse(std::string_view why);
  void fail(std::string_view condition, std::string_view why);
  bool insideStanza() const noexcept { return _depth > 1; }

  const StanzaReader::Limits& _limits;
  std::string _raw;        // input from _begin on is not in a piece yet
  std::size_t _begin = 0;  // of the stanza or tag that is not whole, or _scan
  std::size_t _scan = 0;   // first byte that is not looked at
  std::size_t _end = 0;    // of the input in _raw: what follows is room
  Piece _piece;            // what step() came upon
  State _state = State::text;
  std::string_view _awaited;  // what must follow of `<?xml` or `<![CDATA[`
  std::size_t _brackets = 0;  // `]` in a row, in CDATA
  char _last = 0;             // the byte before _scan, in a declaration or a start tag
  bool _atStart = true;       // no tag was seen yet
  std::size_t _depth =
      0;  // of open elements, the stream being the first; an element is open from its start tag's `<`
  std::size_t _elements = 0;    // of this stanza
  std::size_t _attributes = 0;  // of this element
  std::size_t _headSize = 0;    // of this stanza's start tag, once it is whole
  std::string _head;            // of a stanza of which something was dropped
  bool _dropping = false;
  std::string_view _refusal;  // why this stanza is refused, or empty
  std::string _streamName;
};

}  // namespace p2::xmpp
