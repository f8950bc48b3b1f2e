#include "Sweep.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace p2::lmdb {

namespace {

constexpr std::size_t kChangedAtOnce = 500;
constexpr std::size_t kLookedAtAtOnce = 10000;

bool concerns(const Sweep& sweep, const store::Registration& registration) {
  switch (sweep.task) {
    case Sweep::Task::removeOverdue:
      return sweep.overdue(registration);
    case Sweep::Task::dropDomains:
      return !registration.domain.empty();
  }
  return false;
}

int change(Tables& tables, const Sweep& sweep, store::Registration& registration) {
  switch (sweep.task) {
    case Sweep::Task::removeOverdue:
      return tables.erase(registration.node, registration.key);
    case Sweep::Task::dropDomains:
      registration.domain.clear();
      return tables.putTarget(registration);
  }
  return 0;
}

}  // namespace

Applied<Sweep> sweepSome(Tables& tables, Sweep sweep) {
  const std::uint64_t most = std::min<std::uint64_t>(kChangedAtOnce, sweep.atMost - sweep.changed);
  std::vector<store::Registration> concerned;
  std::size_t lookedAt = 0;
  sweep.atEnd = true;
  const auto walked = tables.walk(sweep.next, [&](std::string_view node, Stored&& stored) {
    if (lookedAt++ == kLookedAtAtOnce || concerned.size() == most) {
      sweep.next = node;
      sweep.atEnd = false;
      return false;
    }
    auto* registration = std::get_if<store::Registration>(&stored);
    if (registration == nullptr) {
      ++sweep.unreadable;
    } else if (concerns(sweep, *registration)) {
      concerned.push_back(std::move(*registration));
    }
    return true;
  });
  if (!walked.ok()) return {0, core::Error{walked.error()}};
  for (store::Registration& registration : concerned) {
    if (const int code = change(tables, sweep, registration); code != 0) return {code, std::move(sweep)};
  }
  sweep.changed += concerned.size();
  return {0, std::move(sweep)};
}

}  // namespace p2::lmdb
