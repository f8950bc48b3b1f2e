#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace p2::settings {

/// What stands in a settings file, before anybody knows the keys.
struct Source {
  struct Entry {
    std::string key;
    std::string value;
    std::size_t line = 0;  ///< The first line of the entry, from 1.
    /// Whether a backslash stands before something else than a backslash or the end of a line.
    bool hasEscape = false;
  };
  struct Fault {
    std::size_t line = 0;
    std::string text;  ///< Without the file's name; never quotes the file.
  };

  std::vector<Entry> entries;  ///< In the file's order.
  std::vector<Fault> faults;
};

/// Reads the format of Poco's PropertyFileConfiguration: that class parses each entry, so that values mean
/// what they mean to Poco; the scan around it knows lines and duplicates. A line that is neither a comment
/// nor has a `=` or `:` is a fault. Pure; never throws except for lack of memory.
Source scanProperties(std::string_view text);

/// Reads one JSON object, the form of the reference service's config.json: objects in it become dotted keys,
/// null is left out, a list is a fault. Pure; never throws except for lack of memory.
Source scanJson(std::string_view text);

}  // namespace p2::settings
