#include "TagGate.h"

#include <algorithm>
#include <array>
#include <utility>

namespace p2::xmpp {

namespace {

// What Poco's parser engine reads at once (ParserEngine::PARSE_BUFFER_SIZE).
constexpr std::size_t kWindow = 4096;
constexpr std::size_t kChunk = 32768;
// A comment of 64 bytes, of which the parser's reads hold a whole number.
constexpr std::string_view kFiller = "<!--                                                         -->";
static_assert(kFiller.size() == 64 && kWindow % kFiller.size() == 0);
constexpr std::string_view kCdataOpen = "<![CDATA[";
constexpr std::string_view kCdataClose = "]]>";
constexpr std::string_view kDeclarationOpen = "<?xml";
constexpr std::size_t kMaxEntitySize = 12;
constexpr std::size_t kMaxUtf8Size = 4;
constexpr std::size_t kMaxNameSize = 1024;  // of a tag that is truncated
constexpr std::string_view kShortName = "p2-renamed";
constexpr std::string_view kRestrictedXml = "restricted-xml";
constexpr std::string_view kPolicyViolation = "policy-violation";

constexpr std::size_t roundUp(std::size_t size, std::size_t unit) {
  return (size + unit - 1) / unit * unit;
}

bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// What ends a tag, begins a quoted value, or must not be in a tag.
bool isMark(char c) {
  static constexpr auto kMarks = [] {
    std::array<bool, 256> marks{};
    for (const char mark : {'>', '\'', '"', '<'}) marks[static_cast<unsigned char>(mark)] = true;
    return marks;
  }();
  return kMarks[static_cast<unsigned char>(c)];
}

}  // namespace

TagGate::int_type TagGate::underflow() {
  while (!_stopped) {
    // What stands before a fault is still read: a stanza that came with it gets its answer.
    if (_boundary > _begin) return release(_boundary);
    if (_longTagEnd > _begin) return releaseLongTag();
    if (_change == Change::ended) break;
    if (_change != Change::none) return releaseChange();
    if (!_fault.empty()) break;
    scan();
    if (_boundary <= _begin && _longTagEnd <= _begin && _fault.empty() && !fill()) break;
  }
  return traits_type::eof();
}

TagGate::int_type TagGate::release(std::size_t end) {
  setg(_raw.data() + _begin, _raw.data() + _begin, _raw.data() + end);
  _released += end - _begin;
  _begin = end;
  return traits_type::to_int_type(*gptr());
}

TagGate::int_type TagGate::expose(std::string& bytes) {
  setg(bytes.data(), bytes.data(), bytes.data() + bytes.size());
  return traits_type::to_int_type(*gptr());
}

void TagGate::beginNextParser() {
  _change = Change::header;
  _released = 0;
}

TagGate::int_type TagGate::releaseChange() {
  switch (_change) {
    case Change::due:
      _change = Change::footer;
      return expose(_footer);
    case Change::header:
      _change = Change::none;
      return expose(_header);
    case Change::footer:
    case Change::ended:
      _change = Change::ended;
      break;
    case Change::none:
      break;
  }
  return traits_type::eof();
}

TagGate::int_type TagGate::releaseLongTag() {
  const std::size_t end = std::exchange(_longTagEnd, 0);
  if (end - _begin <= kWindow) return release(end);

  // expat may have looked at any part of the tag, and looks again when twice as much is there. So the tag is
  // followed by as much again, in comments, which nobody hears of. All lengths are multiples of a comment's,
  // and the whole one of the parser's reads, so that no read ends inside a token but the tag's own.
  const std::size_t tailSize = _raw[end - 2] == '/' ? 2 : 1;
  const std::size_t tagSize = roundUp(end - _begin, kFiller.size());
  _longTag.assign(_raw, _begin, end - _begin - tailSize);
  _longTag.append(tagSize - (end - _begin), ' ');
  _longTag.append(_raw, end - tailSize, tailSize);
  for (std::size_t size = tagSize; size < roundUp(2 * tagSize, kWindow); size += kFiller.size())
    _longTag += kFiller;
  _released += end - _begin;
  _begin = end;
  return expose(_longTag);
}

bool TagGate::fill() {
  _raw.erase(0, _begin);
  _scan -= _begin;
  _tagStart -= std::min(_tagStart, _begin);
  _contentStart -= std::min(_contentStart, _begin);
  _begin = 0;
  _boundary = 0;

  const std::size_t kept = _raw.size();
  _raw.resize(kept + kChunk);
  const std::size_t count = _source.read(_raw.data() + kept, kChunk);
  _raw.resize(kept + count);
  _inputEnded = count == 0;
  return !_inputEnded;
}

/// Looks at bytes until something may be released or more input is needed.
void TagGate::scan() {
  while (_fault.empty() && _longTagEnd == 0 && _change == Change::none && _scan < _raw.size() && step()) {
  }
}

/// False if it cannot go on before something is released or read.
bool TagGate::step() {
  switch (_state) {
    case State::text:
      return scanText();
    case State::open:
      return scanOpen();
    case State::declaration:
      return scanDeclaration();
    case State::cdata:
      return scanCdata();
    case State::tag:
      return scanTag();
    case State::singleQuoted:
      return scanQuoted('\'');
    case State::doubleQuoted:
      return scanQuoted('"');
    case State::dropTag:
    case State::dropSingleQuoted:
    case State::dropDoubleQuoted:
      return scanDropped();
  }
  return false;
}

bool TagGate::scanText() {
  const std::size_t limit = std::min(_raw.size(), _begin + kWindow);
  if (_scan >= limit) return false;
  const std::size_t open = std::string_view(_raw).substr(0, limit).find('<', _scan);
  if (open == std::string::npos) {
    _scan = limit;
    if (limit == _begin + kWindow) cutText(limit);
    return false;
  }
  if (open > 0) _atStart = false;
  if (open > _begin) _boundary = open;
  _tagStart = open;
  _scan = open + 1;
  _state = State::open;
  return true;
}

bool TagGate::scanOpen() {
  const std::string_view seen = std::string_view(_raw).substr(_tagStart);
  const auto isOpenedBy = [seen](std::string_view opening) {
    return seen.substr(0, opening.size()) == opening.substr(0, seen.size());
  };
  if (seen[1] != '!' && seen[1] != '?') {
    _atStart = false;
    _state = State::tag;
    return true;
  }
  const bool declaration = _atStart && isOpenedBy(kDeclarationOpen);
  if (!declaration && !isOpenedBy(kCdataOpen)) {
    _fault = kRestrictedXml;
    return false;
  }
  const std::size_t size = declaration ? kDeclarationOpen.size() + 1 : kCdataOpen.size();
  if (seen.size() < size) return false;
  if (declaration && !isSpace(seen[size - 1])) {
    _fault = kRestrictedXml;
    return false;
  }
  _scan = _tagStart + size;
  _contentStart = _scan;
  _state = declaration ? State::declaration : State::cdata;
  if (!declaration && _scan - _begin <= kWindow) _boundary = _scan;
  _atStart = false;
  return true;
}

bool TagGate::scanDeclaration() {
  const std::size_t close = _raw.find("?>", _tagStart);
  if (close == std::string::npos) {
    if (_raw.size() - _tagStart > kWindow) _fault = kPolicyViolation;
    return false;
  }
  _boundary = _scan = close + 2;
  _state = State::text;
  return true;
}

bool TagGate::scanCdata() {
  const std::size_t limit = std::min(_raw.size(), _begin + kWindow);
  if (_scan >= limit) return false;
  // The end mark may have begun before _scan, but not before the section's own opening.
  const std::size_t from = std::max(_contentStart, _scan - std::min<std::size_t>(_scan, 2));
  const std::size_t close = std::string_view(_raw).substr(0, limit).find(kCdataClose, from);
  if (close == std::string::npos) {
    _scan = limit;
    if (limit == _begin + kWindow) cutText(limit);
    return false;
  }
  _boundary = _scan = close + kCdataClose.size();
  _state = State::text;
  return true;
}

/// Whether a tag that reaches to `end` so far is longer than what is let through. An end tag may be a little
/// longer than its start tag, so that none loses its name whose start tag kept it.
bool TagGate::isTooLong(std::size_t end) const {
  return end - _tagStart > (isEndTag() ? 2 * kMaxTagSize : kMaxTagSize);
}

bool TagGate::scanTag() {
  const auto mark = std::find_if(_raw.begin() + static_cast<std::ptrdiff_t>(_scan), _raw.end(), isMark);
  const auto found = static_cast<std::size_t>(mark - _raw.begin());
  if (mark == _raw.end()) {
    _scan = _raw.size();
  } else if (_raw[found] == '>') {
    _scan = isTooLong(found + 1) ? found : found + 1;
    if (_scan > found) endTag(_scan);
  } else if (_raw[found] == '<') {
    _scan = found + 1;
    _fault = "not-well-formed";
    return false;
  } else {
    _scan = found + 1;
    _state = _raw[found] == '"' ? State::doubleQuoted : State::singleQuoted;
  }
  // A tag that has its end is too long by just that byte, which scanDropped() has yet to see.
  if (_state != State::text && isTooLong(_scan + 1)) truncateTag();
  return true;
}

bool TagGate::scanQuoted(char quote) {
  const std::size_t found = _raw.find(quote, _scan);
  _scan = found == std::string::npos ? _raw.size() : found + 1;
  if (found != std::string::npos) _state = State::tag;
  // Its end is not seen yet.
  if (isTooLong(_scan + 1)) truncateTag();
  return true;
}

void TagGate::endTag(std::size_t end) {
  _state = State::text;
  const bool renamed = std::exchange(_renames, false);
  if (isEndTag()) {
    end = closeElement(end);
  } else if (_raw[end - 2] != '/') {
    if (++_depth == 1) {
      _header = _raw.substr(_tagStart, end - _tagStart);
      _footer = "</" + _header.substr(1, _header.find_first_of(" \t\r\n>") - 1) + '>';
    }
    if (renamed) _renamed.push_back(_depth);
  }
  // A header that does not fit into one of the parser's reads is none that a server sends.
  if (_depth == 1 && _released > kParserLife && _header.size() <= kWindow) _change = Change::due;
  if (end - _begin <= kWindow) {
    _boundary = end;
  } else {
    _longTagEnd = end;
  }
}

/// Gives the end of the element's end tag, which gets the name that its start tag got.
std::size_t TagGate::closeElement(std::size_t end) {
  if (!_renamed.empty() && _renamed.back() == _depth) {
    _renamed.pop_back();
    const std::string tag = "</" + std::string(kShortName) + '>';
    _raw.replace(_tagStart, end - _tagStart, tag);
    end = _scan = _tagStart + tag.size();
  }
  if (_depth > 0) --_depth;
  return end;
}

/// Leaves `<name` of the tag that reaches to _scan so far, its prefix bound to something, or another name if
/// that one is too long as well, and drops what follows.
void TagGate::truncateTag() {
  switch (_state) {
    case State::singleQuoted:
      _state = State::dropSingleQuoted;
      break;
    case State::doubleQuoted:
      _state = State::dropDoubleQuoted;
      break;
    default:
      _state = State::dropTag;
  }
  _slash = _raw[_scan - 1] == '/';
  std::string head = isEndTag() ? "</" : "<";
  const std::size_t nameStart = _tagStart + head.size();
  const std::size_t nameEnd = std::min(_raw.find_first_of(" \t\r\n/>", nameStart), _scan);
  const std::string name = _raw.substr(nameStart, nameEnd - nameStart);
  if (isEndTag() || name.size() > kMaxNameSize) {
    _renames = !isEndTag();
    head += kShortName;
  } else {
    head += name;
    if (const auto colon = name.find(':'); colon != std::string::npos) {
      head += " xmlns:" + name.substr(0, colon) + "='urn:p2:truncated'";
    }
  }
  if (!isEndTag()) head.append(" ").append(kTruncatedMark).append("='1'");
  _raw.replace(_tagStart, _scan - _tagStart, head);
  _scan = _tagStart + head.size();
}

bool TagGate::scanDropped() {
  std::size_t position = _scan;
  bool ended = false;
  while (position < _raw.size() && !ended) {
    const char c = _raw[position++];
    if (_state == State::dropSingleQuoted || _state == State::dropDoubleQuoted) {
      if (c == (_state == State::dropSingleQuoted ? '\'' : '"')) _state = State::dropTag;
      _slash = false;
    } else if (c == '>') {
      ended = true;
    } else {
      if (c == '\'') _state = State::dropSingleQuoted;
      if (c == '"') _state = State::dropDoubleQuoted;
      _slash = c == '/';
    }
  }
  const std::string_view tail = !ended ? "" : (_slash ? "/>" : ">");
  _raw.replace(_scan, position - _scan, tail);
  _scan += tail.size();
  if (ended) endTag(_scan);
  return true;
}

/// Sets the boundary near `limit`, but neither inside a character, nor inside an entity or the mark that ends
/// CDATA.
void TagGate::cutText(std::size_t limit) {
  std::size_t cut = limit;
  const std::string_view tail = std::string_view(_raw).substr(limit - kMaxEntitySize, kMaxEntitySize);
  if (const auto ampersand = tail.rfind('&');
      ampersand != std::string_view::npos && tail.find(';', ampersand) == std::string_view::npos) {
    cut = limit - kMaxEntitySize + ampersand;
  }
  for (std::size_t i = 0; i < kCdataClose.size() - 1 && _raw[cut - 1] == ']'; ++i) --cut;
  for (std::size_t i = 0; i < kMaxUtf8Size && static_cast<unsigned char>(_raw[cut - 1]) >= 0x80; ++i) --cut;
  _boundary = cut;
}

}  // namespace p2::xmpp
