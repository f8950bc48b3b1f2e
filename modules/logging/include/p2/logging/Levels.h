#pragma once

#include <map>
#include <string>

namespace p2::logging {

/// Gives `level` (of Poco::Message::Priority) to every logger but those to which the settings of Poco's
/// logging give one of their own, and what is below them. Thread-safe.
void setLevel(int level, const std::map<std::string, std::string>& settings);

}  // namespace p2::logging
