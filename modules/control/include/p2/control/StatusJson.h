#pragma once

#include "p2/control/DaemonStatus.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace p2::control {

/// How many registrations each domain has. A value.
struct DomainCounts {
  std::vector<std::pair<std::string, std::uint64_t>> most;  ///< The domains with the most, in that order.
  std::uint64_t otherDomains = 0;                           ///< How many domains there are besides.
  std::uint64_t withoutDomain = 0;  ///< Registrations that are stored without their domain.
};

/// How the daemon is, for programs: what `/status.json` shows, and `p2 status --json`, which counts the
/// domains as well. Times are in ISO 8601. Pure.
std::string statusJson(const DaemonStatus& status, DaemonStatus::Time now,
                       const std::optional<DomainCounts>& domains = std::nullopt);

}  // namespace p2::control
