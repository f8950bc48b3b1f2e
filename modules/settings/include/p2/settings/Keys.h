#pragma once

#include "p2/core/Result.h"
#include "p2/settings/Instance.h"
#include "p2/settings/Settings.h"

#include <span>
#include <string>
#include <string_view>

namespace p2::settings {

/// One key of p2.properties. The table of them in Keys.cpp is the only list: the parser, the names of
/// environment variables, the defaults and the overview all follow it. Immutable.
struct Key {
  enum class Kind {
    value,
    secret,      ///< Never shown.
    path,        ///< Relative ones begin beside the settings file.
    file,        ///< A path; the file must be readable.
    secretFile,  ///< Likewise, and nobody else should be able to read it.
  };

  /// Parses `text` into its member of the settings, or says what would be right: "give a number from …".
  using Set = core::Result<void> (*)(Settings& settings, std::string_view text);
  /// The member as text that `set` would take.
  using Get = std::string (*)(const Settings& settings);

  std::string_view name;
  std::string_view fallback;  ///< The default; empty: the key may be left out or empty, and is then unset.
  Kind kind = Kind::value;
  bool live = false;  ///< Whether a reload applies it.
  Set set = nullptr;
  Get get = nullptr;
  std::string_view meaning;
  std::string_view referenceVariable = {};  ///< The reference service's environment variable for the same.
  std::string_view referenceJson = {};      ///< The reference service's key in config.json for the same.

  bool namesFile() const noexcept { return kind == Kind::file || kind == Kind::secretFile; }
  bool isPath() const noexcept { return kind == Kind::path || namesFile(); }
};

/// All keys, in the order of p2.properties.
std::span<const Key> allKeys() noexcept;

/// The key of that exact name, or nullptr.
const Key* findKey(std::string_view name) noexcept;

/// `P2_XMPP_SHAREDSECRET` for `xmpp.sharedSecret`.
std::string environmentName(const Key& key);

/// Whether Poco's LoggingSubsystem reads this key, so that it is passed on as it stands.
bool isPocoLoggingKey(std::string_view name) noexcept;

/// Settings in which every key has the default that it has for this p2; the required ones are empty.
Settings defaultSettings(const Instance& instance = {});

/// The one of `known` that was probably meant by `word`, or empty.
std::string_view nearestName(std::string_view word, std::span<const std::string_view> known);

}  // namespace p2::settings
