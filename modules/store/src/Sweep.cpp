#include "Sweep.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace p2::store {

namespace {

constexpr std::size_t kChangedAtOnce = 500;
constexpr std::size_t kLookedAtAtOnce = 10000;

bool concerns(const Sweep& sweep, const Registration& registration) {
  switch (sweep.task) {
    case Sweep::Task::removeExpired:
      return registration.lastRegistered < sweep.olderThan;
    case Sweep::Task::dropDomains:
      return !registration.domain.empty();
  }
  return false;
}

int change(Tables& tables, const Sweep& sweep, Registration& registration) {
  switch (sweep.task) {
    case Sweep::Task::removeExpired:
      return tables.erase(registration);
    case Sweep::Task::dropDomains:
      registration.domain.clear();
      return tables.putTarget(registration);
  }
  return 0;
}

}  // namespace

Applied<Sweep> sweepSome(Tables& tables, Sweep sweep) {
  const std::uint64_t most = std::min<std::uint64_t>(kChangedAtOnce, sweep.atMost - sweep.changed);
  std::vector<Registration> concerned;
  std::size_t lookedAt = 0;
  sweep.atEnd = true;
  const auto walked = tables.walk(sweep.next, [&](const Registration& registration) {
    if (lookedAt++ == kLookedAtAtOnce || concerned.size() == most) {
      sweep.next = registration.node;
      sweep.atEnd = false;
      return false;
    }
    if (concerns(sweep, registration)) concerned.push_back(registration);
    return true;
  });
  if (!walked.ok()) return {0, core::Error{walked.error()}};
  for (Registration& registration : concerned) {
    if (const int code = change(tables, sweep, registration); code != 0) return {code, std::move(sweep)};
  }
  sweep.changed += concerned.size();
  return {0, std::move(sweep)};
}

}  // namespace p2::store
