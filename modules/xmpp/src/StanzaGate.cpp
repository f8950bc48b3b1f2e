#include "StanzaGate.h"

#include <algorithm>
#include <utility>

namespace p2::xmpp {

namespace {

using Kind = StanzaGate::Piece::Kind;

// A stream's start tag has some 200 bytes, its declaration some 40.
constexpr std::size_t kMaxOutsideSize = 8192;
constexpr std::string_view kRestrictedXml = "restricted-xml";
constexpr std::string_view kNotWellFormed = "not-well-formed";
constexpr std::string_view kPolicyViolation = "policy-violation";

bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

StanzaGate::Piece StanzaGate::next() {
  if (_piece.kind == Kind::closed || _piece.kind == Kind::fault) return _piece;
  _piece = {};
  while (_piece.kind == Kind::needsInput && _scan < _end) step();
  if (_piece.kind == Kind::needsInput) bound();
  return _piece;
}

char* StanzaGate::prepare(std::size_t size) {
  std::copy(_raw.begin() + static_cast<std::ptrdiff_t>(_begin),
            _raw.begin() + static_cast<std::ptrdiff_t>(_end), _raw.begin());
  _scan -= _begin;
  _end -= _begin;
  _begin = 0;
  _raw.resize(_end + size);
  return _raw.data() + _end;
}

void StanzaGate::commit(std::size_t size) {
  _end += size;
}

/// Looks at one run of bytes of a kind.
void StanzaGate::step() {
  switch (_state) {
    case State::text:
      return insideStanza() ? scanText() : scanBetweenStanzas();
    case State::opening:
      return scanOpening();
    case State::declaration:
      return scanDeclaration();
    case State::cdata:
      return scanCdata();
    case State::name:
    case State::tag:
    case State::value:
      return scanStartTag();
    case State::singleQuoted:
      return scanQuoted('\'');
    case State::doubleQuoted:
      return scanQuoted('"');
    case State::endTag:
      return scanEndTag();
  }
}

void StanzaGate::scanText() {
  const std::size_t open = std::string_view(_raw.data(), _end).find('<', _scan);
  if (open == std::string_view::npos) {
    _scan = _end;
    return;
  }
  _scan = open + 1;
  _state = State::opening;
}

/// Whitespace keeps the connection alive and means nothing (RFC 6120 §4.6.1); other text has no place there.
void StanzaGate::scanBetweenStanzas() {
  while (_scan < _end && isSpace(_raw[_scan])) ++_scan;
  _begin = _scan;
  if (_scan == _end) return;
  if (_raw[_scan] != '<') return fail(kNotWellFormed, "text outside of a stanza");
  ++_scan;
  _state = State::opening;
}

/// What begins, by the first character after `<`.
void StanzaGate::chooseOpening() {
  switch (_raw[_scan]) {
    case '/':
      ++_scan;
      _state = State::endTag;
      return;
    case '!':
      if (!insideStanza()) return fail(kRestrictedXml, "a document type or a comment");
      _awaited = "![CDATA[";
      return;
    case '?':
      if (!_atStart) return fail(kRestrictedXml, "a processing instruction");
      _awaited = "?xml";
      return;
    default:
      return beginElement();
  }
}

void StanzaGate::scanOpening() {
  if (_awaited.empty()) return chooseOpening();
  if (_raw[_scan] != _awaited.front()) return fail(kRestrictedXml, "a comment or a processing instruction");
  ++_scan;
  _awaited.remove_prefix(1);
  if (!_awaited.empty()) return;
  _state = insideStanza() ? State::cdata : State::declaration;
  _last = 0;
  _brackets = 0;
}

void StanzaGate::scanDeclaration() {
  const char c = _raw[_scan++];
  if (_last == 0 && !isSpace(c)) return fail(kRestrictedXml, "a processing instruction");
  if (std::exchange(_last, c) != '?' || c != '>') return;
  _atStart = false;
  _begin = _scan;
  _state = State::text;
}

void StanzaGate::scanCdata() {
  while (_scan < _end) {
    const char c = _raw[_scan++];
    if (c == '>' && _brackets >= 2) {
      _state = State::text;
      return;
    }
    _brackets = c == ']' ? _brackets + 1 : 0;
  }
}

/// The tag's name is not looked at: it may begin with anything.
void StanzaGate::beginElement() {
  _atStart = false;
  _state = State::name;
  _last = 0;
  _attributes = 0;
  ++_depth;
  if (_depth < 2) return;
  if (_depth == 2) {
    _elements = 0;
    _headSize = 0;
    _refusal = {};
    _dropping = false;
  }
  if (_depth - 1 > _limits.depth) refuse("nested too deep");
  if (++_elements > _limits.elements) refuse("too many elements");
}

void StanzaGate::scanStartTag() {
  while (_scan < _end) {
    const char c = _raw[_scan++];
    const char before = std::exchange(_last, c);
    if (before == '/') {
      if (c == '>') return closeElement();
      return fail(kNotWellFormed, "a slash inside a tag");
    }
    if (c == '>') return endStartTag();
    switch (_state) {
      case State::name:
        if (isSpace(c) || c == '/') _state = State::tag;
        continue;
      case State::value:
        if (c == '\'' || c == '"') return beginValue(c);
        if (!isSpace(c)) _state = State::tag;
        break;
      default:
        _state = c == '=' ? State::value : State::tag;
    }
    if (c == '<') return fail(kNotWellFormed, "a tag inside a tag");
  }
}

void StanzaGate::beginValue(char quote) {
  _state = quote == '"' ? State::doubleQuoted : State::singleQuoted;
  if (++_attributes > _limits.attributes && insideStanza()) refuse("too many attributes");
}

void StanzaGate::scanQuoted(char quote) {
  const std::size_t close = std::string_view(_raw.data(), _end).find(quote, _scan);
  if (close == std::string_view::npos) {
    _scan = _end;
    return;
  }
  _scan = close + 1;
  _last = quote;
  _state = State::tag;
}

void StanzaGate::endStartTag() {
  _state = State::text;
  if (_depth == 2) _headSize = _scan - _begin;
  if (_depth > 1) return;
  const std::string_view tag(_raw.data() + _begin, _scan - _begin);
  _streamName = tag.substr(1, tag.find_first_of(" \t\r\n>") - 1);
  _piece = {Kind::opened, tag, {}};
  _begin = _scan;
}

void StanzaGate::scanEndTag() {
  const std::size_t close = std::string_view(_raw.data(), _end).find('>', _scan);
  if (close == std::string_view::npos) {
    _scan = _end;
    return;
  }
  _scan = close + 1;
  if (insideStanza()) return closeElement();
  endStream();
}

/// By an end tag, or by a start tag that is one as well.
void StanzaGate::closeElement() {
  _state = State::text;
  if (_depth == 2 && _headSize == 0) _headSize = _scan - _begin;
  --_depth;
  if (_depth == 1) return endStanza();
  if (_depth == 0) fail(kNotWellFormed, "a stream without an end");
}

void StanzaGate::endStream() {
  std::string_view name(_raw.data() + _begin, _scan - _begin);
  name = name.substr(2, name.find_first_of(" \t\r\n>") - 2);
  if (_depth == 0 || name != _streamName) return fail(kNotWellFormed, "an end tag without its start tag");
  _piece = {Kind::closed, {}, {}};
}

void StanzaGate::endStanza() {
  if (!_dropping && _scan - _begin > _limits.stanzaSize) refuse("too big");
  if (_refusal.empty()) {
    _piece = {Kind::stanza, {_raw.data() + _begin, _scan - _begin}, {}};
  } else {
    if (!_dropping) _head.assign(_raw, _begin, std::min(_headSize, _limits.stanzaSize));
    _piece = {Kind::refused, _head, _refusal};
  }
  _begin = _scan;
}

/// All input was looked at: drops of it what need not be kept.
void StanzaGate::bound() {
  const std::size_t size = _scan - _begin;
  if (!insideStanza()) {
    if (size > kMaxOutsideSize) fail(kPolicyViolation, "a tag that no server sends");
    return;
  }
  if (_dropping) {
    _begin = _scan;
    return;
  }
  if (size > _limits.stanzaSize) refuse("too big");
  if (_refusal.empty()) return;
  // What an answer needs may stand behind the attribute that was one too many.
  if (_headSize == 0 && size <= _limits.stanzaSize) return;
  _head.assign(_raw, _begin, _headSize > 0 ? std::min(_headSize, _limits.stanzaSize) : _limits.stanzaSize);
  _dropping = true;
  _begin = _scan;
}

void StanzaGate::refuse(std::string_view why) {
  if (_refusal.empty()) _refusal = why;
}

void StanzaGate::fail(std::string_view condition, std::string_view why) {
  _piece = {Kind::fault, condition, why};
}

}  // namespace p2::xmpp
