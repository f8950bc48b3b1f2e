#pragma once

#include "p2/settings/Instance.h"
#include "p2/settings/Settings.h"

#include <string>
#include <string_view>
#include <vector>

namespace p2::settings {

/// One key for an operator's overview.
struct KeyDescription {
  std::string key;
  std::string value;         ///< The value in effect, as it could stand in p2.properties; secrets as `***`.
  std::string_view meaning;  ///< What the key is for, in a few words.
  bool isDefault = false;
  bool live = false;  ///< Whether a reload applies it; otherwise it needs a restart.
};

/// Every key with its value in effect, in the order of p2.properties, then Poco's logging keys that are set.
/// `instance`: whose they are, and so which defaults they have.
std::vector<KeyDescription> describe(const Settings& settings, const Instance& instance = {});

/// The keys whose values differ and that a reload cannot apply, in the same order.
std::vector<std::string> changesNeedingRestart(const Settings& running, const Settings& wanted);

}  // namespace p2::settings
