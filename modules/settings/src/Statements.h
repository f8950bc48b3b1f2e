#pragma once

#include "p2/settings/Parser.h"

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace p2::settings {

/// What a settings file and the environment say, key by key, and what is wrong with the way they say it.
struct Statements {
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

  // Faults are told in the order of the file's lines, then the environment's, then what is missing.
  static constexpr std::size_t kEnvironmentLine = std::numeric_limits<std::size_t>::max() - 1;
  static constexpr std::size_t kMissingLine = std::numeric_limits<std::size_t>::max();

  /// What is said of a key; nullptr if nothing is, or the empty text.
  const Entry* of(std::string_view key) const;

  std::map<std::string_view, Entry, std::less<>> entries;  ///< By the name of a known key.
  std::map<std::string, Entry> logging;                    ///< By the name of a key of Poco's logging.
  ReferenceDatabase reference;
  std::vector<Fault> faults;
  std::vector<std::string> warnings;
};

/// Reads them: each value is still the text that was given, and the environment's takes the place of the
/// file's. `file` as for parse(). Pure; never throws except for lack of memory.
Statements readStatements(const FileContent& content, const std::string& file,
                          const Environment& environment);

/// A text of the file that may be shown: short, and nothing that could confuse a log.
std::string inQuotes(std::string_view text);
/// Whether a text has the look of a key, and so is not a part of a secret that ended up on a line of its own.
bool looksLikeKey(std::string_view text);

}  // namespace p2::settings
