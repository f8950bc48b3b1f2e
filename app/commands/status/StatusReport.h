#pragma once

#include "p2/control/DaemonStatus.h"
#include "p2/control/StatusJson.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

/// How the daemon is, in words. Pure.
namespace p2::app {

/// The counts of all domains, cut down to what is shown. The registrations that are stored without a domain
/// are those of the empty one.
control::DomainCounts mostOf(const std::map<std::string, std::uint64_t, std::less<>>& domains);

/// For a person at a terminal; control::statusJson() is the same for programs.
std::string describeStatus(const control::DaemonStatus& status,
                           const std::optional<control::DomainCounts>& domains,
                           control::DaemonStatus::Time now);

}  // namespace p2::app
