#include "p2/mariadb/Migration.h"

#include "Cluster.h"
#include "Connection.h"
#include "Fault.h"
#include "Findings.h"
#include "Hosts.h"
#include "Schema.h"
#include "Session.h"
#include "Shape.h"
#include "p2/core/Words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

// A table of millions is copied.
constexpr std::chrono::seconds kPatienceForMigration{3600};
// While the statement waits for somebody who holds the table, everybody else waits for it.
constexpr const char* kNoLongWait = "set session lock_wait_timeout = 30";

constexpr std::array kReferenceColumns{"device", "domain", "token", "node", "secret"};

struct Step {
  std::string text;
  std::string statement;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<std::string> obstacles;
  std::vector<std::string> remarks;
};

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const auto& each : texts) text += (text.empty() ? "" : ", ") + each;
  return text;
}

/// What widens the table, clause by clause, and what it is called.
struct Widening {
  std::vector<std::string> clauses;
  std::vector<std::string> added;    ///< Names of columns.
  std::vector<std::string> changed;  ///< The same.
  std::vector<std::string> keys;     ///< What becomes of keys.

  std::string text(std::uint64_t rows) const;
};

std::string Widening::text(std::uint64_t rows) const {
  std::string text = "widen the table target, of " + core::grouped(rows) + (rows == 1 ? " row" : " rows") +
                     " (whoever writes to it waits meanwhile)";
  if (!added.empty()) text += "; new columns: " + joined(added);
  if (!changed.empty()) text += "; columns that hold more, and are compared byte by byte: " + joined(changed);
  if (!keys.empty()) text += "; keys: " + joined(keys);
  return text;
}

void planColumns(const Shape& target, Widening& widening) {
  for (const auto& wanted : kTargetTable.columns) {
    const auto* found = target.column(wanted.name);
    if (found == nullptr) {
      widening.clauses.push_back("add column " + wanted.definition());
      widening.added.emplace_back(wanted.name);
    } else if (!wanted.faultOf(*found).empty()) {
      widening.clauses.push_back("modify column " + wanted.definition());
      widening.changed.emplace_back(wanted.name);
    }
  }
}

bool isOfTarget(const std::string& column) {
  return std::any_of(kTargetTable.columns.begin(), kTargetTable.columns.end(),
                     [&](const auto& wanted) { return wanted.name == column; });
}

void dropKey(const std::string& name, Widening& widening) {
  std::string quoted;
  for (const char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  widening.clauses.push_back("drop key `" + quoted + '`');
  widening.keys.push_back("without " + name);
}

/// A primary key that is none of the reference service's stays.
void planNodeKey(const Shape& target, Widening& widening) {
  if (hasNodeKey(target)) return;
  const auto primary = target.keys.find("PRIMARY");
  const bool replaces =
      primary == target.keys.end() ||
      std::all_of(primary->second.columns.begin(), primary->second.columns.end(), isOfTarget);
  if (replaces && primary != target.keys.end()) widening.clauses.emplace_back("drop primary key");
  widening.clauses.emplace_back(replaces ? "add primary key (node)" : "add unique key (node)");
  widening.keys.emplace_back(replaces ? "node is the primary key" : "node is unique");
}

/// Keys over texts that become too long for one do nothing that the others do not.
bool isTooLong(const Shape::Key& key, const Widening& widening) {
  return std::any_of(key.columns.begin(), key.columns.end(), [&](const std::string& column) {
    const bool grows =
        std::find(widening.changed.begin(), widening.changed.end(), column) != widening.changed.end();
    return grows && (column == "domain" || column == "token");
  });
}

void planKeys(const Shape& target, Widening& widening) {
  planNodeKey(target, widening);
  const auto inTheWay = keysInTheWay(target);
  for (const auto& [name, key] : target.keys) {
    if (name == "PRIMARY") continue;
    const bool forbids = std::find(inTheWay.begin(), inTheWay.end(), name) != inTheWay.end();
    const bool hasTheName = name == kDeviceKey && !hasDeviceKey(target);
    if (forbids || hasTheName || isTooLong(key, widening)) dropKey(name, widening);
  }
  if (hasDeviceKey(target)) return;
  widening.clauses.emplace_back("add unique key device (device, channel, service)");
  widening.keys.emplace_back("device, channel and service are unique");
}

Widening planWidening(const Shape& target) {
  Widening widening;
  planColumns(target, widening);
  planKeys(target, widening);
  if (target.engine != "InnoDB") {
    widening.clauses.emplace_back("engine = InnoDB");
    widening.keys.push_back("InnoDB instead of " + target.engine);
  }
  return widening;
}

/// Why the table is not one that can be widened; empty if it can.
std::vector<std::string> strangenessOf(const Shape& target) {
  std::vector<std::string> faults;
  for (const char* name : kReferenceColumns) {
    if (target.column(name) == nullptr) {
      faults.push_back(std::string("The table target has no column ") + name +
                       ": it is not the reference service's. Give p2 a database of its own");
    }
  }
  for (const char* name : {"kind", "created", "renewed", "changed"}) {
    const auto wanted =
        std::find_if(kTargetTable.columns.begin(), kTargetTable.columns.end(),
                     [name](const auto& column) { return std::string_view(column.name) == name; });
    const auto* found = target.column(name);
    if (found != nullptr && found->type != wanted->type) {
      faults.push_back(std::string("The table target has a column ") + name + " that is not p2's, but " +
                       found->type + ". Rename it");
    }
  }
  for (const auto& [name, column] : target.columns) {
    if (isOfTarget(name) || column.mayBeLeftOut()) continue;
    faults.push_back("The table target has a column " + name +
                     " that neither p2 nor the reference service knows, and it has no default. Give it one");
  }
  return faults;
}

MaybeFault planTarget(Connection& connection, Plan& plan) {
  auto read = readShape(connection, kTargetTable.name);
  if (!read.ok()) return read.fault();
  const Shape& target = read.value();
  if (!target.exists()) {
    plan.steps.push_back({"make the table target", kTargetTable.creation()});
    return std::nullopt;
  }
  plan.obstacles = strangenessOf(target);
  const auto widening = planWidening(target);
  if (!plan.obstacles.empty() || widening.clauses.empty()) return std::nullopt;
  auto found = lookAtRows(connection, target);
  if (!found.ok()) return found.fault();
  plan.obstacles = std::move(found.value().obstacles);
  plan.remarks = std::move(found.value().remarks);
  for (auto& [text, statement] : found.value().corrections) {
    plan.steps.push_back({std::move(text), std::move(statement)});
  }
  plan.steps.push_back({widening.text(found.value().rows), "alter table target " + joined(widening.clauses)});
  return std::nullopt;
}

/// A table that p2 alone has.
MaybeFault planOwn(Connection& connection, const WantedTable& table, Plan& plan) {
  const std::string name = table.name;
  auto read = readShape(connection, name);
  if (!read.ok()) return read.fault();
  if (!read.value().exists()) {
    plan.steps.push_back({"make the table " + name, table.creation()});
    return std::nullopt;
  }
  for (const auto& wanted : table.columns) {
    const auto* found = read.value().column(wanted.name);
    if (found != nullptr && wanted.faultOf(*found).empty()) continue;
    plan.obstacles.push_back("The table " + name +
                             " is not p2's. Rename it, or give p2 a database of its own");
    break;
  }
  return std::nullopt;
}

Outcome<Plan> planFor(Connection& connection) {
  Plan plan;
  if (auto fault = planTarget(connection, plan)) return std::move(*fault);
  for (const auto* table : {&kServiceTimeTable, &kServingTable}) {
    if (auto fault = planOwn(connection, *table, plan)) return std::move(*fault);
  }
  return plan;
}

/// What to tell of a step that failed.
Fault faultOfStep(const Fault& fault) {
  switch (fault.kind) {
    case Fault::Kind::contended:
      return {fault.kind, fault.text + " Somebody else uses the table. Run it again."};
    case Fault::Kind::lost:
    case Fault::Kind::unfit:
      return {fault.kind, fault.text + " It can be run again, and goes on where it was."};
    case Fault::Kind::refused:
      return fault;
  }
  return fault;
}

MaybeFault carryOut(Connection& connection, const std::vector<Step>& steps,
                    const std::function<void(const std::string&)>& onStep) {
  if (auto done = connection.execute(kNoLongWait); !done.ok()) return done.fault();
  for (const auto& [text, statement] : steps) {
    onStep(text);
    if (auto done = connection.execute(statement); !done.ok()) return faultOfStep(done.fault());
  }
  return checkTables(connection);
}

}  // namespace

Result<MigrationPlan> planMigration(const Options& options) {
  Cluster cluster;
  Hosts hosts(options, kPatienceForMigration, cluster.welcome(options));
  auto planned = Session(hosts).read([](Connection& connection) { return planFor(connection); });
  if (!planned.ok()) return Error{planned.fault().text};
  auto& [steps, obstacles, remarks] = planned.value();
  MigrationPlan plan{{}, std::move(obstacles), std::move(remarks)};
  for (auto& step : steps) plan.steps.push_back(std::move(step.text));
  return plan;
}

Result<void> migrate(const Options& options, const std::function<void(const std::string& step)>& onStep) {
  Cluster cluster;
  Hosts hosts(options, kPatienceForMigration, cluster.welcome(options));
  Session session(hosts);
  auto ready = session.connection();
  if (!ready.ok()) return Error{ready.fault().text};
  auto planned = planFor(*ready.value());
  if (!planned.ok()) return Error{planned.fault().text};
  const Plan& plan = planned.value();
  if (!plan.obstacles.empty()) return Error{joined(plan.obstacles) + '.'};
  if (auto fault = carryOut(*ready.value(), plan.steps, onStep)) return Error{fault->text};
  return {};
}

}  // namespace p2::mariadb
