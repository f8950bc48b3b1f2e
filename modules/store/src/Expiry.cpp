#include "Expiry.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace p2::store {

namespace {

constexpr std::size_t kRemovedAtOnce = 500;
constexpr std::size_t kLookedAtAtOnce = 10000;

}  // namespace

Applied<ExpiryScan> removeSomeExpired(Tables& tables, ExpiryScan scan) {
  const std::uint64_t most = std::min<std::uint64_t>(kRemovedAtOnce, scan.atMost - scan.removed);
  std::vector<Registration> expired;
  std::size_t lookedAt = 0;
  scan.atEnd = true;
  const auto walked = tables.walk(scan.next, [&](const Registration& registration) {
    if (lookedAt++ == kLookedAtAtOnce || expired.size() == most) {
      scan.next = registration.node;
      scan.atEnd = false;
      return false;
    }
    if (registration.lastRegistered < scan.olderThan) expired.push_back(registration);
    return true;
  });
  if (!walked.ok()) return {0, core::Error{walked.error()}};
  for (const Registration& registration : expired) {
    if (const int code = tables.erase(registration); code != 0) return {code, std::move(scan)};
  }
  scan.removed += expired.size();
  return {0, std::move(scan)};
}

}  // namespace p2::store
