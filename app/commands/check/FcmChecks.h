#pragma once

#include "commands/check/Finding.h"
#include "links/FcmLink.h"
#include "p2/push/Outcome.h"
#include "p2/settings/Settings.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

/// The checks of the way to Google.
namespace p2::app {

/// All of them, in order; they send nothing to any phone. Blocks for the network.
std::vector<Finding> checkFcm(const settings::Settings& settings);

/// Judges this machine's clock by Google's. Pure.
Finding judgeClock(std::chrono::system_clock::time_point ours, std::chrono::system_clock::time_point theirs);

/// Judges what FCM said to a message for a token that nobody has. Pure.
Finding judgeMadeUpToken(const push::Outcome& outcome);

/// Judges what FCM said to messages for stored tokens: is it the app's project? Pure.
Finding judgeStoredTokens(const std::vector<push::Outcome>& outcomes);

}  // namespace p2::app
