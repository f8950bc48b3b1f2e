#include "Sweep.h"

#include "Pages.h"
#include "Records.h"
#include "Schema.h"

#include <utility>
#include <vector>

namespace p2::mariadb {

namespace {

bool concerns(const Sweep& sweep, const store::Registration& registration) {
  switch (sweep.purpose) {
    case Sweep::Purpose::removeOverdue:
      return sweep.overdue(registration);
    case Sweep::Purpose::dropDomains:
      return !registration.domain.empty();
  }
  return false;
}

/// The condition holds still of those that no phone has renewed since they were read.
std::string statementFor(const Sweep& sweep, const std::vector<std::string>& nodes) {
  const auto list = listOf(nodes);
  switch (sweep.purpose) {
    case Sweep::Purpose::removeOverdue:
      return "delete from target where node in " + list + " and " + kRenewedNow + " < " +
             std::to_string((sweep.overdue.now - sweep.overdue.after).time_since_epoch().count());
    case Sweep::Purpose::dropDomains:
      return "update target set domain = '', changed = changed where node in " + list + " and domain <> ''";
  }
  return {};
}

/// What other p2 have stored: what their clocks have shown, which may be wrong, and that all was renewed. As
/// it is locked, no date can come meanwhile that nothing is known of.
MaybeFault joinStored(Connection& connection, Sweep& sweep) {
  if (sweep.purpose != Sweep::Purpose::removeOverdue) return std::nullopt;
  auto stored = readServiceTime(connection, Lock::forUpdate);
  if (!stored.ok()) return stored.fault();
  sweep.overdue.service.join(stored.value());
  return std::nullopt;
}

}  // namespace

MaybeFault sweepPage(Connection& connection, Sweep& sweep) {
  if (auto fault = joinStored(connection, sweep)) return fault;
  auto page = readPage(connection, sweep.reached);
  if (!page.ok()) return page.fault();
  auto& nodes = sweep.touched;
  nodes.clear();
  bool stopped = false;
  for (const Record& record : page.value()) {
    stopped = nodes.size() == sweep.atMost - sweep.swept.changed;
    if (stopped) break;
    sweep.reached = record.registration.node;
    if (!record.unreadable.empty()) {
      ++sweep.swept.unreadable;
    } else if (concerns(sweep, record.registration)) {
      nodes.push_back(record.registration.node);
    }
  }
  sweep.swept.more = stopped || page.value().size() == kPageRows;
  if (nodes.empty()) return std::nullopt;
  auto changed = connection.execute(statementFor(sweep, nodes));
  if (!changed.ok()) return changed.fault();
  sweep.swept.changed += changed.value();
  return std::nullopt;
}

}  // namespace p2::mariadb
