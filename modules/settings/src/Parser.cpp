#include "p2/settings/Parser.h"

#include "Advice.h"
#include "Statements.h"
#include "p2/logging/Check.h"
#include "p2/settings/Keys.h"

#include <algorithm>
#include <array>
#include <utility>

namespace p2::settings {

namespace {

using Kind = Key::Kind;

constexpr std::size_t kMostFaults = 100;

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

/// Drops the one end of line that editors and `echo` put at the end of a file.
std::string_view withoutLineEnd(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// What the file and the environment mean together: Settings, or the list of all that is wrong with them.
///
///     file ---------+-> Statements --------> Settings -----------> judgement
///     environment --+   (key, text, where    (each text by its     (files that are named, what is
///                        it stands)           key's codec)          missing, what goes badly together)
///
/// An operator who corrects one fault at a time starts p2 five times: so no step ends at a fault, each notes
/// it with the line on which it stands and goes on with what is left, and they are sorted at the end. That is
/// why the steps share the statements with their faults and the settings, and why their order is that of
/// run(): a value of the environment takes the place of the file's before anybody judges either, so that a
/// bad value that is not used is no fault; and advice is given last, on settings without faults, for a
/// default in the place of a faulty value deserves none.
class Parser {
 public:
  Parser(const FileContent& content, const std::string& file, const Environment& environment,
         const ReadFile& read, const std::filesystem::path& directory)
      : _content(content),
        _file(file),
        _environment(environment),
        _read(read),
        _directory(directory),
        _said(readStatements(content, file, environment)),
        _settings(defaultSettings(Instance::ofFile(file))) {}

  ParsedSettings run() {
    for (const auto& [textKey, fileKey, in] : kSecretSources) settleSecretSource(textKey, fileKey);
    applyEntries();
    takeLoggingSettings();
    readNamedFiles();
    takeProxyVariable();
    checkRequired();
    advise();
    return finish();
  }

 private:
  using Entry = Statements::Entry;
  using Fault = Statements::Fault;

  void settleSecretSource(std::string_view textKey, std::string_view fileKey);
  void applyEntries();
  void takeLoggingSettings();
  void readNamedFiles();
  void takeSecret(const Key& key, const Entry& entry, std::string_view text, core::Secret& secret);
  void takeProxyVariable();
  void checkRequired();
  void advise();
  void adviseOnWorldReadable();
  ParsedSettings finish();

  std::string located(const std::string& path, bool fromEnvironment) const;
  void fault(std::size_t line, std::string text) { _said.faults.push_back({line, std::move(text)}); }
  void valueFault(const Key& key, const Entry& entry, const std::string& wrong);
  void missing(std::string_view key, const std::string& text);
  void warn(std::string text) { _said.warnings.push_back(std::move(text)); }

  const FileContent& _content;
  const std::string& _file;
  const Environment& _environment;
  const ReadFile& _read;
  const std::filesystem::path& _directory;
  Statements _said;
  Settings _settings;
};

/// A secret comes from one place. Set in the environment, it replaces whichever of the two the file sets.
void Parser::settleSecretSource(std::string_view textKey, std::string_view fileKey) {
  const auto* const text = _said.of(textKey);
  const auto* const file = _said.of(fileKey);
  if (text == nullptr || file == nullptr) return;
  if (text->fromEnvironment != file->fromEnvironment) {
    _said.entries.erase(text->fromEnvironment ? fileKey : textKey);
    return;
  }
  const auto& later = text->line > file->line ? *text : *file;
  fault(later.line, later.origin + ": " + std::string(textKey) + " and " + std::string(fileKey) +
                        " are both set; keep one of them.");
}

void Parser::applyEntries() {
  for (const auto& key : allKeys()) {
    const auto found = _said.entries.find(key.name);
    if (found == _said.entries.end() || (found->second.value.empty() && key.fallback.empty())) continue;
    auto& [value, origin, line, fromEnvironment] = found->second;
    if (key.isPath() && !value.empty()) value = located(value, fromEnvironment);
    if (const auto done = key.set(_settings, found->second.value); !done) {
      valueFault(key, found->second, done.error());
    }
  }
}

void Parser::takeLoggingSettings() {
  auto& settings = _settings.logging.poco;
  for (const auto& [key, entry] : _said.logging) {
    const bool isPath = key.ends_with(".path") && !entry.value.empty();
    settings[key] = isPath ? located(entry.value, false) : entry.value;
  }
  for (const auto& [key, text] : logging::check(settings)) {
    const auto& entry = _said.logging.at(key);
    fault(entry.line, entry.origin + ": " + (looksLikeKey(key) ? key : "this key") + " = " +
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
    const auto* const entry = _said.of(key.name);
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

void Parser::takeProxyVariable() {
  if (_said.of("fcm.proxy") != nullptr) return;
  for (const char* const name : {"HTTPS_PROXY", "https_proxy"}) {
    const auto variable = _environment.find(name);
    if (variable == _environment.end() || variable->second.empty()) continue;
    const auto& key = *findKey("fcm.proxy");
    const Entry entry{variable->second, std::string("environment variable ") + name,
                      Statements::kEnvironmentLine, true};
    if (const auto done = key.set(_settings, entry.value); !done) valueFault(key, entry, done.error());
    return;
  }
}

void Parser::checkRequired() {
  if (_said.of("xmpp.jid") == nullptr) {
    missing("xmpp.jid", "give the component's name as the XMPP server knows it, such as push.example.org");
  }
  if (_said.of("xmpp.sharedSecret") == nullptr && _said.of("xmpp.sharedSecretFile") == nullptr) {
    missing("xmpp.sharedSecret",
            "give the secret that the XMPP server has for this component, or name a file that holds it with "
            "xmpp.sharedSecretFile");
  }
  if (_said.of("fcm.serviceAccountFile") == nullptr && _said.of("fcm.authKey") == nullptr) {
    missing("fcm.serviceAccountFile",
            "in the Firebase console open Project settings, Service accounts, choose \"Generate new private "
            "key\", copy the file to this machine and give its path");
  }
  if (_settings.store.kind == StoreKind::mariadb && _said.of("store.mariadb.password") == nullptr &&
      _said.of("store.mariadb.passwordFile") == nullptr) {
    missing("store.mariadb.password",
            "give the password of the database's user, or name a file that holds it with "
            "store.mariadb.passwordFile");
  }
}

void Parser::missing(std::string_view key, const std::string& text) {
  const auto entry = _said.entries.find(key);
  const std::string name(key);
  if (entry != _said.entries.end()) {
    fault(entry->second.line, entry->second.origin + ": " + name + " is empty: " + text + '.');
  } else {
    const std::string origin = _file.empty() ? "" : _file + ": ";
    fault(Statements::kMissingLine,
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
  if (!_said.faults.empty()) return;  // a default in the place of a value that is wrong says nothing
  for (const auto& [key, text] : adviseOn(_settings)) {
    const auto* const entry = _said.of(key);
    warn((entry != nullptr ? entry->origin + ": " : "") + std::string(key) + ' ' + text + '.');
  }
}

void Parser::adviseOnWorldReadable() {
  if (!_content.worldReadable) return;
  for (const auto& key : allKeys()) {
    const auto* const entry = _said.of(key.name);
    if (key.kind != Kind::secret || entry == nullptr || entry->fromEnvironment) continue;
    warn(entry->origin + ": every user of this machine may read " + std::string(key.name) +
         "; take that right away: chmod o-r " + _file);
  }
}

ParsedSettings Parser::finish() {
  ParsedSettings parsed;
  parsed.warnings = std::move(_said.warnings);
  parsed.reference = std::move(_said.reference);
  if (_said.faults.empty()) {
    parsed.settings = std::move(_settings);
    return parsed;
  }
  std::stable_sort(_said.faults.begin(), _said.faults.end(),
                   [](const Fault& a, const Fault& b) { return a.line < b.line; });
  for (auto& [line, text] : _said.faults) {
    if (parsed.faults.size() == kMostFaults) {
      parsed.faults.push_back("and " + std::to_string(_said.faults.size() - kMostFaults) + " more.");
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
