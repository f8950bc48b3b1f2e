#include "p2/settings/Source.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Handler.h>
#include <Poco/JSON/Parser.h>
#include <Poco/NumberFormatter.h>
#include <Poco/String.h>
#include <Poco/Util/PropertyFileConfiguration.h>

#include <exception>
#include <sstream>
#include <utility>

namespace p2::settings {

namespace {

/// Walks over a properties file as PropertyFileConfiguration does, entry by entry.
class PropertyScanner {
 public:
  explicit PropertyScanner(std::string_view text) : _text(text) {}

  Source scan() {
    for (skipSpace(); _position < _text.size(); skipSpace()) {
      if (_text[_position] == '#' || _text[_position] == '!') {
        while (_position < _text.size() && !atLineEnd()) ++_position;
      } else {
        scanEntry();
      }
    }
    return std::move(_source);
  }

 private:
  bool atLineEnd() const { return _text[_position] == '\n' || _text[_position] == '\r'; }

  void advance() {
    const char c = _text[_position++];
    const bool crlf = c == '\r' && _position < _text.size() && _text[_position] == '\n';
    if (c == '\n' || (c == '\r' && !crlf)) ++_line;
  }

  void skipSpace() {
    constexpr std::string_view kSpace = " \t\n\v\f\r";
    while (_position < _text.size() && kSpace.find(_text[_position]) != std::string_view::npos) advance();
  }

  void scanEntry() {
    Source::Entry entry;
    entry.line = _line;
    const auto start = _position;
    while (_position < _text.size() && !atLineEnd() && _text[_position] != '=' && _text[_position] != ':') {
      ++_position;
    }
    entry.key = Poco::trim(std::string(_text.substr(start, _position - start)));
    if (_position == _text.size() || atLineEnd()) {
      fault(entry.line, "this line has no '='; a setting is written as key = value, a comment begins with #");
      return;
    }
    entry.hasEscape = skipValue();
    if (entry.key.empty()) {
      fault(entry.line, "this line has nothing before its '='; a setting is written as key = value");
      return;
    }
    entry.value = valueOf(entry.key, _text.substr(start, _position - start));
    _source.entries.push_back(std::move(entry));
  }

  /// Goes to the end of the value; gives whether there was a backslash escape.
  bool skipValue() {
    bool escape = false;
    while (_position < _text.size() && !atLineEnd()) {
      if (_text[_position] != '\\') {
        ++_position;
        continue;
      }
      if (++_position == _text.size()) break;
      if (_text[_position] != '\\' && !atLineEnd()) escape = true;
      const bool carriageReturn = _text[_position] == '\r';
      advance();
      if (carriageReturn && _position < _text.size() && _text[_position] == '\n') advance();
    }
    return escape;
  }

  static std::string valueOf(const std::string& key, std::string_view entry) {
    std::istringstream stream{std::string(entry)};
    const Poco::AutoPtr<Poco::Util::PropertyFileConfiguration> parsed(
        new Poco::Util::PropertyFileConfiguration(stream));
    return parsed->getRawString(key, "");
  }

  void fault(std::size_t line, const char* text) { _source.faults.push_back({line, text}); }

  const std::string_view _text;
  std::size_t _position = 0;
  std::size_t _line = 1;
  Source _source;
};

/// Turns the events of Poco's JSON parser into entries.
class JsonEntries final : public Poco::JSON::Handler {
 public:
  /// Both must outlive this object; `stream` is the parser's input, whose position tells the line.
  JsonEntries(std::string_view text, std::istream& stream) : _text(text), _stream(stream) {}

  Source take() { return std::move(_source); }

  std::size_t line() {
    const auto position = _stream.rdbuf()->pubseekoff(0, std::ios::cur, std::ios::in);
    for (; std::streamoff(_counted) < position && _counted < _text.size(); ++_counted) {
      if (_text[_counted] == '\n') ++_line;
    }
    return _line;
  }

  void fault(std::string text) { _source.faults.push_back({line(), std::move(text)}); }

  void reset() override {}
  void startObject() override {
    if (_depth++ > 0) _prefix.push_back(_key);
  }
  void endObject() override {
    if (--_depth > 0) _prefix.pop_back();
  }
  void startArray() override {
    if (_arrays++ == 0)
      fault("a list [ … ] is not expected here; the file is one object { … } of plain values");
  }
  void endArray() override { --_arrays; }
  void key(const std::string& name) override { _key = name; }
  void null() override {}
  void value(int number) override { add(std::to_string(number)); }
  void value(unsigned number) override { add(std::to_string(number)); }
  void value(Poco::Int64 number) override { add(std::to_string(number)); }
  void value(Poco::UInt64 number) override { add(std::to_string(number)); }
  void value(const std::string& text) override { add(text); }
  void value(double number) override { add(Poco::NumberFormatter::format(number)); }
  void value(bool truth) override { add(truth ? "true" : "false"); }

 private:
  void add(const std::string& text) {
    if (_arrays > 0) return;
    if (_depth == 0) {
      fault("this is not an object; the file is one object { … }");
      return;
    }
    std::string name;
    for (const auto& part : _prefix) name += part + '.';
    _source.entries.push_back({name + _key, Poco::trim(text), line(), false});
  }

  const std::string_view _text;
  std::istream& _stream;
  std::vector<std::string> _prefix;
  std::string _key;
  int _depth = 0;
  int _arrays = 0;
  std::size_t _counted = 0;
  std::size_t _line = 1;
  Source _source;
};

}  // namespace

Source scanProperties(std::string_view text) {
  return PropertyScanner(text).scan();
}

Source scanJson(std::string_view text) {
  constexpr std::size_t kDeepest = 8;
  std::istringstream stream{std::string(text)};
  Poco::SharedPtr<JsonEntries> entries(new JsonEntries(text, stream));
  try {
    Poco::JSON::Parser parser(entries);
    parser.setDepth(kDeepest);
    parser.parse(stream);
  } catch (const Poco::Exception&) {
    entries->fault("this is not JSON: look for a missing comma, quote or brace here or just before");
  } catch (const std::logic_error&) {
    // Poco makes a std::string of the null pointer that a broken object's key is.
    entries->fault("this is not JSON: look for a missing comma, quote or brace here or just before");
  }
  return entries->take();
}

}  // namespace p2::settings
