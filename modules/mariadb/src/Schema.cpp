#include "Schema.h"

#include "p2/store/Registration.h"

#include <cstddef>
#include <map>
#include <string>

namespace p2::mariadb {

namespace {

/// Columns have the reference service's names, and compare bytes.
constexpr const char* kTargetTable =
    "create table if not exists target ("
    "  node varbinary(64) not null,"
    "  secret varbinary(64) not null,"
    "  service varbinary(4) not null default 'FCM',"
    "  device varbinary(64) not null,"
    "  channel varbinary(64) not null default '',"
    "  domain varbinary(1023) not null default '',"
    "  kind tinyint unsigned not null default 0,"
    "  token varbinary(4096) not null,"
    "  created bigint not null default unix_timestamp(),"
    "  renewed bigint not null default unix_timestamp(),"
    "  primary key (node),"
    "  unique key device (device, channel, service)"
    ") engine = InnoDB";

constexpr const char* kServiceTimeTable =
    "create table if not exists service_time ("
    "  id tinyint unsigned not null,"
    "  value varbinary(8192) not null,"
    "  primary key (id)"
    ") engine = InnoDB";

/// How many bytes a column must hold; none where it is a number.
const std::map<std::string, std::size_t> kTargetColumns = {{"node", store::kMaxNodeBytes},
                                                           {"secret", store::kMaxSecretBytes},
                                                           {"service", 4},
                                                           {"device", store::kMaxDeviceBytes},
                                                           {"channel", store::kMaxChannelBytes},
                                                           {"domain", store::kMaxDomainBytes},
                                                           {"kind", 0},
                                                           {"token", store::kMaxTargetBytes},
                                                           {"created", 0},
                                                           {"renewed", 0}};
const std::map<std::string, std::size_t> kServiceTimeColumns = {{"id", 0}, {"value", 8192}};

Fault unfitting(const Connection& connection, const std::string& what) {
  return {Fault::Kind::refused, "The database " + connection.name() + " does not hold p2's tables: " + what};
}

/// Why a column cannot hold what it must; empty if it can.
std::string faultOfColumn(std::size_t bytes, bool comparesBytes, std::size_t wanted) {
  if (bytes < wanted) {
    return "holds " + std::to_string(bytes) + " bytes and must hold " + std::to_string(wanted) + ".";
  }
  return comparesBytes ? "" : "has a collation that does not compare bytes.";
}

MaybeFault checkColumns(Connection& connection, const std::string& table,
                        const std::map<std::string, std::size_t>& wanted) {
  auto rows = connection.query(
      "select column_name, coalesce(character_octet_length, 0),"
      "   collation_name is null or collation_name like '%\\_bin'"
      " from information_schema.columns where table_schema = database() and table_name = '" +
      table + "'");
  if (!rows.ok()) return rows.fault();
  auto missing = wanted;
  while (rows.value().next()) {
    const auto column = missing.find(std::string(rows.value().text(0).value_or("")));
    if (column == missing.end()) continue;
    const auto fault = faultOfColumn(static_cast<std::size_t>(rows.value().number(1)),
                                     rows.value().number(2) != 0, column->second);
    if (!fault.empty()) {
      std::string what = "the column " + column->first;
      what.append(" of the table ").append(table).append(" ").append(fault);
      return unfitting(connection, what);
    }
    missing.erase(column);
  }
  if (missing.size() == wanted.size()) return unfitting(connection, "there is no table " + table + ".");
  if (missing.empty()) return std::nullopt;
  std::string names;
  for (const auto& [name, bytes] : missing) names += (names.empty() ? "" : ", ") + name;
  return unfitting(connection, "the table " + table + " lacks " + names + ".");
}

/// Without them two p2 could give one device two nodes.
MaybeFault checkKeys(Connection& connection) {
  auto rows = connection.query(
      "select index_name, group_concat(column_name order by seq_in_index)"
      " from information_schema.statistics"
      " where table_schema = database() and table_name = 'target' and non_unique = 0 group by index_name");
  if (!rows.ok()) return rows.fault();
  bool nodes = false;
  bool devices = false;
  while (rows.value().next()) {
    nodes = nodes || rows.value().text(1) == "node";
    devices =
        devices || (rows.value().text(0) == "device" && rows.value().text(1) == "device,channel,service");
  }
  if (!nodes) return unfitting(connection, "the table target has no unique key (node).");
  if (!devices) {
    return unfitting(connection,
                     "the table target has no unique key named device (device, channel, service).");
  }
  return std::nullopt;
}

}  // namespace

MaybeFault createMissingTables(Connection& connection) {
  // Only then: who has them made by somebody else need not have the right to make any.
  auto rows = connection.query(
      "select count(*) from information_schema.tables where table_schema = database()"
      " and table_name in ('target', 'service_time')");
  if (!rows.ok()) return rows.fault();
  if (rows.value().next() && rows.value().number(0) > 0) return std::nullopt;
  for (const char* statement : {kTargetTable, kServiceTimeTable}) {
    if (auto done = connection.execute(statement); !done.ok()) return done.fault();
  }
  return std::nullopt;
}

MaybeFault checkTables(Connection& connection) {
  if (auto fault = checkColumns(connection, "target", kTargetColumns)) return fault;
  if (auto fault = checkColumns(connection, "service_time", kServiceTimeColumns)) return fault;
  return checkKeys(connection);
}

Outcome<store::ServiceTime> readServiceTime(Connection& connection) {
  auto rows = connection.query("select value from service_time where id = 1");
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
