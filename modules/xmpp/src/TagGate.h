#pragma once

#include "p2/xmpp/StanzaReader.h"

#include <cstddef>
#include <streambuf>
#include <string>
#include <string_view>
#include <vector>

namespace p2::xmpp {

/// Stands between a source of bytes and the SAX parser, and lets them through only in pieces that end between
/// tags.
///
/// An expat with reparse deferral (2.6, and 2.5 as Debian patches it) that has seen a part of a tag does not
/// look again until twice as much input is there, so a stanza whose last tag came in two reads would wait for
/// the next stanza. Whatever the gate exposes at once fits into one of the parser's reads and ends where no
/// token is open; a tag too long for one read is followed by comments, as
/// many as it takes until expat has looked again.
///
/// It also stops what RFC 6120 §11.1 forbids before a parser sees it, and bounds the memory of a tag: one
/// longer than `kMaxTagSize` loses its attributes, and its name if that is long, and gets `kTruncatedMark`
/// instead.
///
/// And it bounds the memory of the parser itself, as expat keeps every name of an element or an attribute
/// that it has ever met: after `kParserLife` bytes the gate closes the document where no stanza is open, and
/// begins another one, with the same stream header, for a new parser.
///
/// Used by the reader thread only.
class TagGate final : public std::streambuf {
 public:
  static constexpr std::size_t kMaxTagSize = 65536;
  static constexpr std::size_t kParserLife = 1048576;
  static constexpr std::string_view kTruncatedMark = "p2-truncated";

  explicit TagGate(ByteSource& source) : _source(source) {}

  /// From now on, the input is at its end.
  void stop() noexcept { _stopped = true; }
  /// The stream error if the peer sent what no stream may hold, else empty.
  std::string_view fault() const noexcept { return _fault; }
  /// Whether the source has come to its end.
  bool inputEnded() const noexcept { return _inputEnded; }
  /// Whether the end that the parser sees is the gate's own: the stream goes on, for another parser.
  bool parserEnds() const noexcept { return _change == Change::footer || _change == Change::ended; }
  /// Begins the next parser's document. REQUIRES: parserEnds(), and the last one has read it to its end.
  void beginNextParser();

 protected:
  int_type underflow() override;

 private:
  enum class State {
    text,
    open,         // after `<`
    declaration,  // inside `<?xml … ?>`
    cdata,
    tag,
    singleQuoted,
    doubleQuoted,
    dropTag,  // inside a tag that is too long
    dropSingleQuoted,
    dropDoubleQuoted,
  };

  /// From one parser to the next.
  enum class Change {
    none,
    due,     // once what precedes it is released
    footer,  // the end tag of the stream is released
    ended,   // and the end of the input
    header,  // the next is the stream's header
  };

  bool fill();
  void scan();
  bool step();
  bool scanText();
  bool scanOpen();
  bool scanDeclaration();
  bool scanCdata();
  bool scanTag();
  bool scanQuoted(char quote);
  bool scanDropped();
  bool isEndTag() const { return _raw[_tagStart + 1] == '/'; }
  bool isTooLong(std::size_t end) const;
  void endTag(std::size_t end);
  std::size_t closeElement(std::size_t end);
  void truncateTag();
  int_type releaseChange();
  int_type expose(std::string& bytes);
  void cutText(std::size_t limit);
  int_type release(std::size_t end);
  int_type releaseLongTag();

  ByteSource& _source;
  std::string _raw;             // what came from the source and is not released yet, from _begin on
  std::size_t _begin = 0;       // first byte that is not released
  std::size_t _scan = 0;        // first byte that is not looked at
  std::size_t _boundary = 0;    // end of what may be released; none if not beyond _begin
  std::size_t _longTagEnd = 0;  // end of a whole tag that did not fit behind what precedes it, or 0
  std::size_t _tagStart = 0;
  std::size_t _contentStart = 0;  // of a CDATA section
  State _state = State::text;
  bool _slash = false;   // the last dropped byte was a slash
  bool _atStart = true;  // nothing was looked at yet
  bool _stopped = false;
  bool _inputEnded = false;
  std::string _longTag;  // and the comments behind it, while the parser reads them
  std::size_t _depth = 0;
  bool _renames = false;              // the tag being dropped has lost its name
  std::vector<std::size_t> _renamed;  // depths of the open elements whose start tags have lost their names
  Change _change = Change::none;
  std::size_t _released = 0;  // to this parser
  std::string _header;        // the stream's start tag
  std::string _footer;        // and its end tag
  std::string_view _fault;
};

}  // namespace p2::xmpp
