#pragma once

#include <map>
#include <string>
#include <vector>

namespace p2::logging {

/// The class of p2's own channel, beside Poco's.
inline constexpr const char* kJournalChannel = "JournalChannel";

/// What Poco's logging would refuse of its settings, when it is too late to say so well. The text goes on
/// behind `key = value`.
struct Fault {
  std::string key;
  std::string text;
};

/// Makes each channel and formatter once, without opening anything, and looks whether the loggers name what
/// there is. `settings`: the keys `logging.…` with their values.
std::vector<Fault> check(const std::map<std::string, std::string>& settings);

}  // namespace p2::logging
