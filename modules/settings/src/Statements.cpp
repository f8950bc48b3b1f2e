#include "Statements.h"

#include "p2/settings/Keys.h"
#include "p2/settings/Source.h"

#include <algorithm>
#include <utility>

namespace p2::settings {

namespace {

constexpr const char* kImportAdvice =
    "p2 keeps its own store, and p2 import --from-reference moves the registrations into it";
constexpr const char* kAppleAdvice = "p2 does not push to Apple's devices";

/// The key that this variable sets under p2's own name for it, or nullptr.
const Key* keyOfVariable(std::string_view name) {
  const auto keys = allKeys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return environmentName(key) == name; });
  return found == keys.end() ? nullptr : &*found;
}

/// Takes what is said, in the order of run(). No step ends at a fault: each notes it with its line and goes
/// on with what is left.
class StatementReader {
 public:
  StatementReader(const FileContent& content, const std::string& file, const Environment& environment)
      : _content(content), _file(file), _environment(environment) {}

  Statements run() {
    takeFile();
    takeEnvironment();
    return std::move(_said);
  }

 private:
  // What the file says.
  void takeFile();
  bool isText();
  void takeProperties(const Source& source);
  void takeProperty(const Source::Entry& entry);
  void takeJson(const Source& source);
  bool takeUnusedJson(const Source::Entry& entry);
  bool takeReferenceDatabase(std::string_view name, const std::string& value);
  void adviseOnText(const Key& key, const Source::Entry& entry);
  bool isRepeated(const std::string& name, std::size_t line);
  void unknownKey(const Source::Entry& entry);

  // What the environment says.
  void takeEnvironment();
  void takeVariable(const Key& key, const std::string& name, const std::string& value);
  void takeReferenceVariable(const std::string& name, const std::string& value);
  void takeInsteadOf(const Key& key, const std::string& name, const std::string& value);
  void unknownVariable(const std::string& name);

  std::string at(std::size_t line) const { return _file + ':' + std::to_string(line); }
  void fault(std::size_t line, std::string text) { _said.faults.push_back({line, std::move(text)}); }
  void warn(std::string text) { _said.warnings.push_back(std::move(text)); }

  const FileContent& _content;
  const std::string& _file;
  const Environment& _environment;
  std::map<std::string, std::size_t> _firstLines;  ///< Where each key of the file stood first.
  Statements _said;
};

void StatementReader::takeFile() {
  if (_file.empty() || !isText()) return;
  std::string_view text = _content.text;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // a byte order mark, from Windows
  const auto first = text.find_first_not_of(" \t\r\n");
  if (_file.ends_with(".json") || (first != std::string_view::npos && text[first] == '{')) {
    takeJson(scanJson(text));
  } else {
    takeProperties(scanProperties(text));
  }
}

bool StatementReader::isText() {
  const std::string_view text = _content.text;
  if (text.size() > kMaxSettingsFileSize) {
    fault(0, _file + ": this file is larger than 1 MiB and cannot be a settings file.");
    return false;
  }
  const auto* const bad = std::find_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') ||
           c == '\x7f';
  });
  if (bad == text.end()) return true;
  const auto line = static_cast<std::size_t>(std::count(text.begin(), bad, '\n')) + 1;
  fault(line, at(line) + ": this line has a byte that no text has; the settings must be a plain text file.");
  return false;
}

void StatementReader::takeProperties(const Source& source) {
  for (const auto& [line, text] : source.faults) fault(line, at(line) + ": " + text + '.');
  for (const auto& entry : source.entries) takeProperty(entry);
}

void StatementReader::takeProperty(const Source::Entry& entry) {
  if (isRepeated(entry.key, entry.line)) return;
  if (const auto* const key = findKey(entry.key)) {
    adviseOnText(*key, entry);
    _said.entries[key->name] = {entry.value, at(entry.line), entry.line, false};
  } else if (isPocoLoggingKey(entry.key)) {
    _said.logging[entry.key] = {entry.value, at(entry.line), entry.line, false};
  } else {
    unknownKey(entry);
  }
}

void StatementReader::takeJson(const Source& source) {
  for (const auto& [line, text] : source.faults) fault(line, at(line) + ": " + text + '.');
  for (const auto& entry : source.entries) {
    if (isRepeated(entry.key, entry.line)) continue;
    if (takeUnusedJson(entry)) continue;
    const auto keys = allKeys();
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& candidate) {
      return !candidate.referenceJson.empty() && candidate.referenceJson == entry.key;
    });
    if (key == keys.end()) {
      unknownKey(entry);
      continue;
    }
    std::string value = entry.value;
    if (key->name == "logging.level" && value == "true") value = "debug";
    if (key->name == "logging.level" && value == "false") value = key->fallback;
    _said.entries[key->name] = {std::move(value), at(entry.line), entry.line, false};
  }
}

/// Whether the name is one of those by which the reference service finds its database.
bool StatementReader::takeReferenceDatabase(std::string_view name, const std::string& value) {
  if (name == "dbUrl" || name == "P2_DATABASE_URL") {
    _said.reference.url = core::Secret(value);
  } else if (name == "dbUsername" || name == "P2_DATABASE_USERNAME") {
    _said.reference.user = value;
  } else if (name == "dbPassword" || name == "P2_DATABASE_PASSWORD") {
    _said.reference.password = core::Secret(value);
  } else {
    return false;
  }
  return true;
}

/// Whether the key is one that the reference service has and that is no setting of p2.
bool StatementReader::takeUnusedJson(const Source::Entry& entry) {
  if (takeReferenceDatabase(entry.key, entry.value)) {
    warn(at(entry.line) + ": " + entry.key + " is not used: " + kImportAdvice + '.');
  } else if (entry.key.starts_with("apns.")) {
    warn(at(entry.line) + ": a key of apns is not used: " + kAppleAdvice + '.');
  } else {
    return false;
  }
  return true;
}

void StatementReader::adviseOnText(const Key& key, const Source::Entry& entry) {
  if (entry.hasEscape) {
    warn(at(entry.line) + ": " + entry.key +
         R"( has a single backslash: \t, \n, \r and \f stand for control characters, and before anything )" +
         R"(else it is dropped; write \\ for a backslash.)");
  }
  if (key.kind == Key::Kind::secret && entry.value.find(" #") != std::string::npos) {
    warn(at(entry.line) + ": " + entry.key + " contains \" #\", which belongs to the value; " +
         "a comment needs a line of its own.");
  }
}

bool StatementReader::isRepeated(const std::string& name, std::size_t line) {
  const auto [first, isNew] = _firstLines.emplace(name, line);
  if (isNew) return false;
  fault(line, at(line) + ": " + (looksLikeKey(name) ? name : "this key") + " was set before, on line " +
                  std::to_string(first->second) + "; remove one of the two.");
  return true;
}

void StatementReader::unknownKey(const Source::Entry& entry) {
  std::vector<std::string_view> known;
  const bool ofProperties = findKey(entry.key) != nullptr;  // then the file is a config.json
  for (const auto& key : allKeys()) known.push_back(key.name);
  const auto nearest = nearestName(entry.key, known);
  std::string text = at(entry.line) + ": ";
  text += looksLikeKey(entry.key) || !nearest.empty() ? inQuotes(entry.key) + " is not a key of p2"
                                                      : "the key on this line is none of p2's";
  if (ofProperties) {
    text += "'s config.json; keys of p2.properties belong in a file of that form";
  } else if (!nearest.empty()) {
    text += "; did you mean " + std::string(nearest) + "?";
  } else {
    text += "; the shipped p2.properties lists them all";
  }
  fault(entry.line, text + (text.ends_with('?') ? "" : "."));
}

void StatementReader::takeEnvironment() {
  for (const auto& [name, value] : _environment) {
    if (const auto* const key = keyOfVariable(name)) takeVariable(*key, name, value);
  }
  // Only now, since p2's own names win.
  for (const auto& [name, value] : _environment) {
    if (name.starts_with("P2_") && keyOfVariable(name) == nullptr) takeReferenceVariable(name, value);
  }
}

void StatementReader::takeVariable(const Key& key, const std::string& name, const std::string& value) {
  const auto start = std::min(value.find_first_not_of(" \t\r\n"), value.size());
  const auto end = value.find_last_not_of(" \t\r\n");
  const auto length = end == std::string::npos ? 0 : end - start + 1;
  _said.entries[key.name] = {value.substr(start, length), "environment variable " + name,
                             Statements::kEnvironmentLine, true};
}

void StatementReader::takeReferenceVariable(const std::string& name, const std::string& value) {
  takeReferenceDatabase(name, value);
  const bool apple = name.starts_with("P2_APNS_");
  if (apple || name.starts_with("P2_DATABASE_")) {
    warn("Environment variable " + name + " is not used: " + (apple ? kAppleAdvice : kImportAdvice) + '.');
    return;
  }
  const auto keys = allKeys();
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const Key& each) { return each.referenceVariable == name; });
  if (key == keys.end()) {
    unknownVariable(name);
    return;
  }
  if (value.starts_with("tcp://")) {
    warn("Environment variable " + name + " is ignored: Kubernetes sets it for a service named p2. " +
         "To set the port, use " + environmentName(*key) + ".");
    return;
  }
  takeInsteadOf(*key, name, value);
}

/// The variable of the reference service for a setting, unless p2's own is there.
void StatementReader::takeInsteadOf(const Key& key, const std::string& name, const std::string& value) {
  const auto own = _said.entries.find(key.name);
  if (own == _said.entries.end() || !own->second.fromEnvironment) {
    takeVariable(key, name, value);
  } else if (own->second.value != value) {
    warn("Environment variable " + name + " is ignored, since " + environmentName(key) +
         " sets the same; remove one of the two.");
  }
}

void StatementReader::unknownVariable(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& key : allKeys()) names.push_back(environmentName(key));
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto nearest = nearestName(name, known);
  warn("Environment variable " + inQuotes(name) + " is not known to p2" +
       (nearest.empty() ? std::string(".") : "; did you mean " + std::string(nearest) + "?"));
}

}  // namespace

const Statements::Entry* Statements::of(std::string_view key) const {
  const auto found = entries.find(key);
  return found == entries.end() || found->second.value.empty() ? nullptr : &found->second;
}

Statements readStatements(const FileContent& content, const std::string& file,
                          const Environment& environment) {
  return StatementReader(content, file, environment).run();
}

std::string inQuotes(std::string_view text) {
  constexpr std::size_t kMostShown = 80;
  std::string shown = "\"";
  for (const char c : text.substr(0, kMostShown)) shown += c < ' ' || c == '\x7f' ? '?' : c;
  return shown + (text.size() > kMostShown ? "…\"" : "\"");
}

bool looksLikeKey(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
  });
  return plain && text.size() <= 64 && text.find('.') != std::string_view::npos;
}

}  // namespace p2::settings
