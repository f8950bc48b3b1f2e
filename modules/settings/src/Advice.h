#pragma once

#include "p2/settings/Settings.h"

#include <string>
#include <string_view>
#include <vector>

namespace p2::settings {

/// What works but was probably not meant.
struct Advice {
  std::string_view key;
  std::string text;  ///< Completes a sentence that begins with the key; without a full stop.
};

/// Looks at settings whose values are right each for itself, and judges how they go together. Pure.
std::vector<Advice> adviseOn(const Settings& settings);

}  // namespace p2::settings
