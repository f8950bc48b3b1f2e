#include "p2/settings/Parser.h"

#include "Advice.h"
#include "p2/logging/Check.h"
#include "p2/settings/Keys.h"
#include "p2/settings/Source.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace p2::settings {

namespace {

using Kind = Key::Kind;

constexpr std::size_t kMostFaults = 100;
// Faults are told in the order of the file's lines, then the environment's, then what is missing.
constexpr std::size_t kEnvironmentLine = std::numeric_limits<std::size_t>::max() - 1;
constexpr std::size_t kMissingLine = std::numeric_limits<std::size_t>::max();

constexpr const char* kImportAdvice =
    "p2 keeps its own store, and p2 import --from-reference moves the registrations into it";
constexpr const char* kAppleAdvice = "p2 does not push to Apple's devices";

/// A secret that is given as a text, or in a file that holds it.
struct SecretSource {
  std::string_view textKey;
  std::string_view fileKey;
  core::Secret& (*in)(Settings& settings);
};
constexpr std::array kSecretSources{
    SecretSource{"xmpp.sharedSecret", "xmpp.sharedSecretFile",
                 [](Settings& settings) -> core::Secret& { return settings.xmpp.sharedSecret; }},
    SecretSource{"store.mariadb.password", "store.mariadb.passwordFile",
                 [](Settings& settings) -> core::Secret& { return settings.store.mariadb.password; }},
};

/// A text of the file that may be shown: short, and nothing that could confuse a log.
std::string inQuotes(std::string_view text) {
  constexpr std::size_t kMostShown = 80;
  std::string shown = "\"";
  for (const char c : text.substr(0, kMostShown)) shown += c < ' ' || c == '\x7f' ? '?' : c;
  return shown + (text.size() > kMostShown ? "…\"" : "\"");
}

/// Whether a text has the look of a key, and so is not a part of a secret that ended up on a line of its own.
bool looksLikeKey(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
  });
  return plain && text.size() <= 64 && text.find('.') != std::string_view::npos;
}

/// Drops the one end of line that editors and `echo` put at the end of a file.
std::string_view withoutLineEnd(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// The key that this variable sets under p2's own name for it, or nullptr.
const Key* keyOfVariable(std::string_view name) {
  const auto keys = allKeys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return environmentName(key) == name; });
  return found == keys.end() ? nullptr : &*found;
}

/// How a file and the environment become Settings, or the list of all that is wrong with them.
///
///     file ---------+-> entries -----------> Settings -----------> judgement
///     environment --+   (key, text, where    (each text by its     (files that are named, what is
///                        it stands)           key's codec)          missing, what goes badly together)
///
/// An operator who corrects one fault at a time starts p2 five times: so no step ends at a fault, each notes
/// it with the line on which it stands and goes on with what is left, and they are sorted at the end. That is
/// why the steps share the entries, the faults and the settings, and why their order is that of run(): a
/// value of the environment takes the place of the file's before anybody judges either, so that a bad value
/// that is not used is no fault; and advice is given last, on settings without faults, for a default in the
/// place of a faulty value deserves none.
class Parser {
 public:
  Parser(const FileContent& content, const std::string& file, const Environment& environment,
         const ReadFile& read, const std::filesystem::path& directory)
      : _content(content),
        _file(file),
        _environment(environment),
        _read(read),
        _directory(directory),
        _settings(defaultSettings(Instance::ofFile(file))) {}

  ParsedSettings run() {
    takeFile();
    takeEnvironment();
    for (const auto& [textKey, fileKey, in] : kSecretSources) settleSecretSource(textKey, fileKey);
    applyEntries();
    checkLoggingSettings();
    readNamedFiles();
    takeProxyVariable();
    checkRequired();
    advise();
    return finish();
  }

 private:
  /// A value and where it stands.
  struct Entry {
    std::string value;
    std::string origin;  ///< `file:line` or `environment variable NAME`.
    std::size_t line = 0;
    bool fromEnvironment = false;
  };
  struct Fault {
    std::size_t line = 0;
    std::string text;
  };

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
  void takeProxyVariable();

  // What it means together.
  void settleSecretSource(std::string_view textKey, std::string_view fileKey);
  void applyEntries();
  void checkLoggingSettings();
  void readNamedFiles();
  void takeSecret(const Key& key, const Entry& entry, std::string_view text, core::Secret& secret);
  void checkRequired();
  void advise();
  void adviseOnWorldReadable();
  ParsedSettings finish();

  const Entry* entryOf(std::string_view key) const {
    const auto found = _entries.find(key);
    return found == _entries.end() || found->second.value.empty() ? nullptr : &found->second;
  }
  std::string located(const std::string& path, bool fromEnvironment) const;
  std::string at(std::size_t line) const { return _file + ':' + std::to_string(line); }
  void fault(std::size_t line, std::string text) { _faults.push_back({line, std::move(text)}); }
  void valueFault(const Key& key, const Entry& entry, const std::string& wrong);
  void missing(std::string_view key, const std::string& text);
  void warn(std::string text) { _warnings.push_back(std::move(text)); }

  const FileContent& _content;
  const std::string& _file;
  const Environment& _environment;
  const ReadFile& _read;
  const std::filesystem::path& _directory;
  std::map<std::string, std::size_t> _firstLines;           ///< Where each key of the file stood first.
  std::map<std::string_view, Entry, std::less<>> _entries;  ///< By the name of a known key.
  std::vector<Fault> _faults;
  std::vector<std::string> _warnings;
  Settings _settings;
  ReferenceDatabase _reference;
};

void Parser::takeFile() {
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

bool Parser::isText() {
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

void Parser::takeProperties(const Source& source) {
  for (const auto& [line, text] : source.faults) fault(line, at(line) + ": " + text + '.');
  for (const auto& entry : source.entries) takeProperty(entry);
}

void Parser::takeProperty(const Source::Entry& entry) {
  if (isRepeated(entry.key, entry.line)) return;
  if (const auto* const key = findKey(entry.key)) {
    adviseOnText(*key, entry);
    _entries[key->name] = {entry.value, at(entry.line), entry.line, false};
  } else if (isPocoLoggingKey(entry.key)) {
    const bool isPath = entry.key.ends_with(".path") && !entry.value.empty();
    _settings.logging.poco[entry.key] = isPath ? located(entry.value, false) : entry.value;
  } else {
    unknownKey(entry);
  }
}

void Parser::takeJson(const Source& source) {
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
    _entries[key->name] = {std::move(value), at(entry.line), entry.line, false};
  }
}

/// Whether the name is one of those by which the reference service finds its database.
bool Parser::takeReferenceDatabase(std::string_view name, const std::string& value) {
  if (name == "dbUrl" || name == "P2_DATABASE_URL") {
    _reference.url = core::Secret(value);
  } else if (name == "dbUsername" || name == "P2_DATABASE_USERNAME") {
    _reference.user = value;
  } else if (name == "dbPassword" || name == "P2_DATABASE_PASSWORD") {
    _reference.password = core::Secret(value);
  } else {
    return false;
  }
  return true;
}

/// Whether the key is one that the reference service has and that is no setting of p2.
bool Parser::takeUnusedJson(const Source::Entry& entry) {
  if (takeReferenceDatabase(entry.key, entry.value)) {
    warn(at(entry.line) + ": " + entry.key + " is not used: " + kImportAdvice + '.');
  } else if (entry.key.starts_with("apns.")) {
    warn(at(entry.line) + ": a key of apns is not used: " + kAppleAdvice + '.');
  } else {
    return false;
  }
  return true;
}

void Parser::adviseOnText(const Key& key, const Source::Entry& entry) {
  if (entry.hasEscape) {
    warn(at(entry.line) + ": " + entry.key +
         R"( has a single backslash: \t, \n, \r and \f stand for control characters, and before anything )" +
         R"(else it is dropped; write \\ for a backslash.)");
  }
  if (key.kind == Kind::secret && entry.value.find(" #") != std::string::npos) {
    warn(at(entry.line) + ": " + entry.key + " contains \" #\", which belongs to the value; " +
         "a comment needs a line of its own.");
  }
}

bool Parser::isRepeated(const std::string& name, std::size_t line) {
  const auto [first, isNew] = _firstLines.emplace(name, line);
  if (isNew) return false;
  fault(line, at(line) + ": " + (looksLikeKey(name) ? name : "this key") + " was set before, on line " +
                  std::to_string(first->second) + "; remove one of the two.");
  return true;
}

void Parser::unknownKey(const Source::Entry& entry) {
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

void Parser::takeEnvironment() {
  for (const auto& [name, value] : _environment) {
    if (const auto* const key = keyOfVariable(name)) takeVariable(*key, name, value);
  }
  // Only now, since p2's own names win.
  for (const auto& [name, value] : _environment) {
    if (name.starts_with("P2_") && keyOfVariable(name) == nullptr) takeReferenceVariable(name, value);
  }
}

void Parser::takeVariable(const Key& key, const std::string& name, const std::string& value) {
  const auto start = std::min(value.find_first_not_of(" \t\r\n"), value.size());
  const auto end = value.find_last_not_of(" \t\r\n");
  const auto length = end == std::string::npos ? 0 : end - start + 1;
  _entries[key.name] = {value.substr(start, length), "environment variable " + name, kEnvironmentLine, true};
}

void Parser::takeReferenceVariable(const std::string& name, const std::string& value) {
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
void Parser::takeInsteadOf(const Key& key, const std::string& name, const std::string& value) {
  const auto own = _entries.find(key.name);
  if (own == _entries.end() || !own->second.fromEnvironment) {
    takeVariable(key, name, value);
  } else if (own->second.value != value) {
    warn("Environment variable " + name + " is ignored, since " + environmentName(key) +
         " sets the same; remove one of the two.");
  }
}

void Parser::unknownVariable(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& key : allKeys()) names.push_back(environmentName(key));
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto nearest = nearestName(name, known);
  warn("Environment variable " + inQuotes(name) + " is not known to p2" +
       (nearest.empty() ? std::string(".") : "; did you mean " + std::string(nearest) + "?"));
}

void Parser::takeProxyVariable() {
  if (entryOf("fcm.proxy") != nullptr) return;
  for (const char* const name : {"HTTPS_PROXY", "https_proxy"}) {
    const auto variable = _environment.find(name);
    if (variable == _environment.end() || variable->second.empty()) continue;
    const auto& key = *findKey("fcm.proxy");
    const Entry entry{variable->second, std::string("environment variable ") + name, kEnvironmentLine, true};
    if (const auto done = key.set(_settings, entry.value); !done) valueFault(key, entry, done.error());
    return;
  }
}

/// A secret comes from one place. Set in the environment, it replaces whichever of the two the file sets.
void Parser::settleSecretSource(std::string_view textKey, std::string_view fileKey) {
  const auto* const text = entryOf(textKey);
  const auto* const file = entryOf(fileKey);
  if (text == nullptr || file == nullptr) return;
  if (text->fromEnvironment != file->fromEnvironment) {
    _entries.erase(text->fromEnvironment ? fileKey : textKey);
    return;
  }
  const auto& later = text->line > file->line ? *text : *file;
  fault(later.line, later.origin + ": " + std::string(textKey) + " and " + std::string(fileKey) +
                        " are both set; keep one of them.");
}

void Parser::applyEntries() {
  for (const auto& key : allKeys()) {
    const auto found = _entries.find(key.name);
    if (found == _entries.end() || (found->second.value.empty() && key.fallback.empty())) continue;
    auto& [value, origin, line, fromEnvironment] = found->second;
    if (key.isPath() && !value.empty()) value = located(value, fromEnvironment);
    if (const auto done = key.set(_settings, found->second.value); !done) {
      valueFault(key, found->second, done.error());
    }
  }
}

void Parser::checkLoggingSettings() {
  const auto& settings = _settings.logging.poco;
  for (const auto& [key, text] : logging::check(settings)) {
    const auto line = _firstLines.at(key);
    fault(line, at(line) + ": " + (looksLikeKey(key) ? key : "this key") + " = " +
                    inQuotes(settings.at(key)) + ' ' + text + '.');
  }
}

/// Where the path leads from wherever p2 is started, or goes to as a daemon.
std::string Parser::located(const std::string& path, bool fromEnvironment) const {
  const auto beside = std::filesystem::path(_file).parent_path();
  return ((fromEnvironment ? _directory : _directory / beside) / path).string();
}

void Parser::readNamedFiles() {
  for (const auto& key : allKeys()) {
    const auto* const entry = entryOf(key.name);
    if (!key.namesFile() || entry == nullptr || key.get(_settings).empty()) continue;
    const auto content = _read(entry->value, kMaxSettingsFileSize);
    if (!content) {
      const bool saysWhatToDo = content.error().find(';') != std::string::npos;
      valueFault(key, *entry,
                 "the file " + content.error() + (saysWhatToDo ? "" : "; correct the path, or put it there"));
      continue;
    }
    if (key.kind == Kind::secretFile && content.value().worldReadable) {
      warn(entry->origin + ": every user of this machine may read the file of " + std::string(key.name) +
           "; take that right away: chmod o-r " + entry->value);
    }
    for (const auto& source : kSecretSources) {
      if (key.name == source.fileKey) takeSecret(key, *entry, content.value().text, source.in(_settings));
    }
  }
}

void Parser::takeSecret(const Key& key, const Entry& entry, std::string_view text, core::Secret& secret) {
  const auto line = withoutLineEnd(text);
  if (line.empty()) {
    valueFault(key, entry, "the file is empty; it must hold the secret and nothing else");
  } else if (line.find('\n') != std::string_view::npos) {
    valueFault(key, entry, "the file has several lines; it must hold the secret and nothing else");
  } else {
    secret = core::Secret(std::string(line));
  }
}

void Parser::checkRequired() {
  if (entryOf("xmpp.jid") == nullptr) {
    missing("xmpp.jid", "give the component's name as the XMPP server knows it, such as push.example.org");
  }
  if (entryOf("xmpp.sharedSecret") == nullptr && entryOf("xmpp.sharedSecretFile") == nullptr) {
    missing("xmpp.sharedSecret",
            "give the secret that the XMPP server has for this component, or name a file that holds it with "
            "xmpp.sharedSecretFile");
  }
  if (entryOf("fcm.serviceAccountFile") == nullptr && entryOf("fcm.authKey") == nullptr) {
    missing("fcm.serviceAccountFile",
            "in the Firebase console open Project settings, Service accounts, choose \"Generate new private "
            "key\", copy the file to this machine and give its path");
  }
  if (_settings.store.kind == StoreKind::mariadb && entryOf("store.mariadb.password") == nullptr &&
      entryOf("store.mariadb.passwordFile") == nullptr) {
    missing("store.mariadb.password",
            "give the password of the database's user, or name a file that holds it with "
            "store.mariadb.passwordFile");
  }
}

void Parser::missing(std::string_view key, const std::string& text) {
  const auto entry = _entries.find(key);
  const std::string name(key);
  if (entry != _entries.end()) {
    fault(entry->second.line, entry->second.origin + ": " + name + " is empty: " + text + '.');
  } else {
    const std::string origin = _file.empty() ? "" : _file + ": ";
    fault(kMissingLine,
          origin + name + " is missing: " + text + " (or set " + environmentName(*findKey(key)) + ").");
  }
}

void Parser::valueFault(const Key& key, const Entry& entry, const std::string& wrong) {
  // No JID is shown either, and somebody may have put one where the component's name belongs; or a password
  // in front of a host.
  const bool shown =
      key.kind != Kind::secret && key.name != "xmpp.jid" && entry.value.find('@') == std::string::npos;
  std::string text = entry.origin + ": " + std::string(key.name);
  if (entry.value.empty()) {
    text += " is empty";
  } else if (shown) {
    text += " = " + inQuotes(entry.value);
  }
  text += ": " + wrong + '.';
  if (!entry.fromEnvironment && entry.value.find('#') != std::string::npos) {
    text += " A comment needs a line of its own.";
  }
  fault(entry.line, std::move(text));
}

void Parser::advise() {
  if (!_file.empty() && _content.text.empty()) warn(_file + ": the file is empty.");
  adviseOnWorldReadable();
  if (!_faults.empty()) return;  // a default in the place of a value that is wrong says nothing
  for (const auto& [key, text] : adviseOn(_settings)) {
    const auto* const entry = entryOf(key);
    warn((entry != nullptr ? entry->origin + ": " : "") + std::string(key) + ' ' + text + '.');
  }
}

void Parser::adviseOnWorldReadable() {
  if (!_content.worldReadable) return;
  for (const auto& key : allKeys()) {
    const auto* const entry = entryOf(key.name);
    if (key.kind != Kind::secret || entry == nullptr || entry->fromEnvironment) continue;
    warn(entry->origin + ": every user of this machine may read " + std::string(key.name) +
         "; take that right away: chmod o-r " + _file);
  }
}

ParsedSettings Parser::finish() {
  ParsedSettings parsed;
  parsed.warnings = std::move(_warnings);
  parsed.reference = std::move(_reference);
  if (_faults.empty()) {
    parsed.settings = std::move(_settings);
    return parsed;
  }
  std::stable_sort(_faults.begin(), _faults.end(),
                   [](const Fault& a, const Fault& b) { return a.line < b.line; });
  for (auto& [line, text] : _faults) {
    if (parsed.faults.size() == kMostFaults) {
      parsed.faults.push_back("and " + std::to_string(_faults.size() - kMostFaults) + " more.");
      break;
    }
    parsed.faults.push_back(std::move(text));
  }
  return parsed;
}

}  // namespace

ParsedSettings parse(const FileContent& content, const std::string& file, const Environment& environment,
                     const ReadFile& read, const std::filesystem::path& directory) {
  return Parser(content, file, environment, read, directory).run();
}

}  // namespace p2::settings
