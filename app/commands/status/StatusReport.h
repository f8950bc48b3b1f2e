#pragma once

#include "p2/control/DaemonStatus.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// How the daemon is, in words. Pure.
namespace p2::app {

/// How many registrations each domain has; under the empty one those that are stored without.
using DomainCounts = std::map<std::string, std::uint64_t, std::less<>>;

/// For a person at a terminal.
std::string describeStatus(const control::DaemonStatus& status, const std::optional<DomainCounts>& domains,
                           control::DaemonStatus::Time now);

/// The same as one JSON object.
std::string statusJson(const control::DaemonStatus& status, const std::optional<DomainCounts>& domains,
                       control::DaemonStatus::Time now);

}  // namespace p2::app
