#include "Schema.h"

#include "Shape.h"

#include <algorithm>
#include <string>

namespace p2::mariadb {

namespace {

Fault unfitting(const Connection& connection, const std::string& what) {
  return {Fault::Kind::refused, "The database " + connection.name() + " does not hold p2's tables: " + what +
                                    ". Run p2 migrate, which makes the tables p2's."};
}

/// Why p2 cannot use the columns; empty if it can.
std::string faultOfColumns(const Shape& shape, const WantedTable& wanted) {
  const std::string table = wanted.name;
  if (!shape.exists()) return "there is no table " + table;
  std::string missing;
  for (const auto& column : wanted.columns) {
    const auto* found = shape.column(column.name);
    if (found == nullptr) {
      missing += (missing.empty() ? "" : ", ") + std::string(column.name);
    } else if (const auto fault = column.faultOf(*found); !fault.empty()) {
      return std::string("the column ") + column.name + " of the table " + table + ' ' + fault;
    }
  }
  return missing.empty() ? "" : "the table " + table + " lacks " + missing;
}

/// Whether the columns that only others know can be left out; names one that cannot.
std::string faultOfOthers(const Shape& target) {
  for (const auto& [name, column] : target.columns) {
    const bool known = std::any_of(kTargetTable.columns.begin(), kTargetTable.columns.end(),
                                   [&name = name](const auto& wanted) { return wanted.name == name; });
    if (!known && !column.mayBeLeftOut()) {
      return "the column " + name + " of the table target is not p2's and has no default";
    }
  }
  return {};
}

/// Without its keys two p2 could give one device two nodes.
std::string faultOfTarget(const Shape& target) {
  if (auto fault = faultOfColumns(target, kTargetTable); !fault.empty()) return fault;
  if (auto fault = faultOfOthers(target); !fault.empty()) return fault;
  if (target.engine != "InnoDB") return "the table target is " + target.engine + " and must be InnoDB";
  if (!hasNodeKey(target)) return "the table target has no unique key (node)";
  if (!hasDeviceKey(target)) {
    return "the table target has no unique key named device (device, channel, service)";
  }
  const auto inTheWay = keysInTheWay(target);
  return inTheWay.empty()
             ? ""
             : "the key " + inTheWay.front() + " of the table target lets a device register once";
}

}  // namespace

MaybeFault createMissingTables(Connection& connection) {
  // Only then: who has them made by somebody else need not have the right to make any.
  auto rows = connection.query(
      "select count(*) from information_schema.tables where table_schema = database()"
      " and table_name = 'target'");
  if (!rows.ok()) return rows.fault();
  if (rows.value().next() && rows.value().number(0) > 0) return std::nullopt;
  // That one last, by which another p2 sees that all are there.
  for (const auto* table : {&kServiceTimeTable, &kServingTable, &kTargetTable}) {
    if (auto done = connection.execute(table->creation()); !done.ok()) return done.fault();
  }
  return std::nullopt;
}

MaybeFault checkTables(Connection& connection) {
  auto target = readShape(connection, kTargetTable.name);
  if (!target.ok()) return target.fault();
  if (auto fault = faultOfTarget(target.value()); !fault.empty()) return unfitting(connection, fault);
  for (const auto* table : {&kServiceTimeTable, &kServingTable}) {
    auto shape = readShape(connection, table->name);
    if (!shape.ok()) return shape.fault();
    const auto fault = faultOfColumns(shape.value(), *table);
    if (!fault.empty()) return unfitting(connection, fault);
  }
  return std::nullopt;
}

Outcome<store::ServiceTime> readServiceTime(Connection& connection, Lock lock) {
  auto rows = connection.query(std::string("select value from service_time where id = 1") +
                               (lock == Lock::forUpdate ? " for update" : ""));
  if (!rows.ok()) return rows.fault();
  if (!rows.value().next()) return store::ServiceTime();
  return store::ServiceTime::decode(rows.value().text(0).value_or(""));
}

MaybeFault writeServiceTime(Connection& connection, const store::ServiceTime& time) {
  auto done = connection.execute("insert into service_time (id, value) values (1, " + literal(time.encode()) +
                                 ") on duplicate key update value = values(value)");
  return done.ok() ? MaybeFault() : done.fault();
}

}  // namespace p2::mariadb
