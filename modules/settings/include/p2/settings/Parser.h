#pragma once

#include "p2/core/Result.h"
#include "p2/settings/Settings.h"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2::settings {

/// Environment variables by name.
using Environment = std::map<std::string, std::string, std::less<>>;

struct FileContent {
  std::string text;
  bool worldReadable = false;  ///< Whether every user of the machine may read the file.
};

/// Reads a file of `limit` bytes at most, or says what is wrong with it: "does not exist".
using ReadFile =
    std::function<core::Result<FileContent>(const std::filesystem::path& path, std::size_t limit)>;

/// A settings file, and each file named in it, is not larger.
inline constexpr std::size_t kMaxSettingsFileSize = 1048576;

/// What the reference service's own settings say of its database, from which registrations can be moved.
struct ReferenceDatabase {
  core::Secret url;  ///< As parseDatabaseUrl() reads it; empty: none. May hold a password.
  std::string user;
  core::Secret password;
};

/// Settings, or all that is wrong with them; each text names file and line or variable, the key, and what
/// would be right, and shows no secret and no JID.
struct ParsedSettings {
  std::optional<Settings> settings;   ///< There if and only if `faults` is empty.
  std::vector<std::string> faults;    ///< In the file's order; after 100 the rest is only counted.
  std::vector<std::string> warnings;  ///< What works but was probably not meant.
  ReferenceDatabase reference;        ///< Whatever else is wrong.
};

/// Parses the text of p2.properties, or of the reference service's config.json (its name ends in .json or it
/// begins with a brace), with the environment on top. `file` is the name for messages; empty: there is no
/// file. A relative path in it begins at its own directory, one in the environment at `directory`. Reaches no
/// file but those that the settings name, through `read`. Never throws except for lack of memory.
/// Thread-safe.
ParsedSettings parse(const FileContent& content, const std::string& file, const Environment& environment,
                     const ReadFile& read, const std::filesystem::path& directory = {});

}  // namespace p2::settings
