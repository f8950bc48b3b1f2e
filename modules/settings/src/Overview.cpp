#include "p2/settings/Overview.h"

#include "p2/settings/Keys.h"

#include <algorithm>
#include <iterator>

namespace p2::settings {

namespace {

std::string shown(const Key& key, const Settings& settings) {
  std::string value = key.get(settings);
  const bool unset = value.empty() || value == key.get(Settings());
  return key.kind == Key::Kind::secret && !unset ? "***" : value;
}

void addPocoChanges(const std::map<std::string, std::string>& running,
                    const std::map<std::string, std::string>& wanted, std::vector<std::string>& changes) {
  std::vector<std::pair<std::string, std::string>> different;
  std::set_symmetric_difference(running.begin(), running.end(), wanted.begin(), wanted.end(),
                                std::back_inserter(different));
  for (auto& [key, value] : different) {
    // A changed value is in the difference twice, side by side.
    if (changes.empty() || changes.back() != key) changes.push_back(std::move(key));
  }
}

}  // namespace

std::vector<KeyDescription> describe(const Settings& settings, const Instance& instance) {
  const Settings defaults = defaultSettings(instance);
  std::vector<KeyDescription> lines;
  for (const auto& key : allKeys()) {
    const bool isDefault = key.get(settings) == key.get(defaults);
    lines.push_back({std::string(key.name), shown(key, settings), key.meaning, isDefault, key.live});
  }
  for (const auto& [key, value] : settings.logging.poco) {
    lines.push_back({key, value, "passed on to Poco's logging", false, false});
  }
  return lines;
}

std::vector<std::string> changesNeedingRestart(const Settings& running, const Settings& wanted) {
  std::vector<std::string> changes;
  for (const auto& key : allKeys()) {
    if (!key.live && key.get(running) != key.get(wanted)) changes.emplace_back(key.name);
  }
  addPocoChanges(running.logging.poco, wanted.logging.poco, changes);
  return changes;
}

}  // namespace p2::settings
