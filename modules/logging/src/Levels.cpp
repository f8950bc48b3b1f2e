#include "p2/logging/Levels.h"

#include "p2/logging/Keys.h"

#include <Poco/Logger.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace p2::logging {

namespace {

constexpr std::string_view kLevel = ".level";

/// The names of the loggers with a level of their own; empty is the root's.
std::vector<std::string> ownLevels(const std::map<std::string, std::string>& settings) {
  std::vector<std::string> names;
  for (const auto& [key, value] : settings) {
    if (!key.starts_with(keys::kLoggers) || !key.ends_with(kLevel)) continue;
    const auto name = settings.find(key.substr(0, key.size() - kLevel.size()) + ".name");
    names.push_back(name == settings.end() ? std::string() : name->second);
  }
  return names;
}

bool isOrIsBelow(const std::string& name, const std::string& above) {
  return name == above || (!above.empty() && name.starts_with(above + '.'));
}

}  // namespace

void setLevel(int level, const std::map<std::string, std::string>& settings) {
  const auto own = ownLevels(settings);
  std::vector<std::string> names;
  Poco::Logger::root();  // is in the list only once somebody has asked for it
  Poco::Logger::names(names);
  for (const auto& name : names) {
    if (std::none_of(own.begin(), own.end(), [&](const auto& above) { return isOrIsBelow(name, above); })) {
      Poco::Logger::get(name).setLevel(level);
    }
  }
}

}  // namespace p2::logging
