#pragma once

#include "p2/settings/Instance.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace p2::app {

/// The name of the group that the file belongs to; empty if that is not known. Blocks on the disk.
std::string groupOf(const std::filesystem::path& file);

/// How one of several p2 is let read the service account, which the group `group` reads now: a line, with its
/// end. Another p2 that reads it keeps it. Pure.
std::string accountAdvice(const settings::Instance& instance, const std::filesystem::path& account,
                          std::string_view group);

/// How it is started as a service, now and at each boot: a line, with its end. Not every package enables it.
/// Pure.
std::string serviceAdvice(const settings::Instance& instance);

}  // namespace p2::app
