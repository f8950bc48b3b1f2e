#include "Pages.h"

namespace p2::mariadb {

Outcome<std::vector<Record>> readPage(Connection& connection, const std::string& node) {
  auto rows = connection.query(std::string("select ") + columnsNow() + " from target where node > " +
                               textLiteral(node) + " order by node limit " + std::to_string(kPageRows));
  if (!rows.ok()) return rows.fault();
  std::vector<Record> page;
  while (rows.value().next()) page.push_back(recordOf(rows.value()));
  return page;
}

Outcome<bool> readHoldsAny(Connection& connection) {
  auto rows = connection.query("select 1 from target limit 1");
  if (!rows.ok()) return rows.fault();
  return rows.value().next();
}

Outcome<store::RegistrationStore::Statistics> readStatistics(Connection& connection) {
  auto rows = connection.query(
      "select (select count(*) from target), data_length + index_length"
      " from information_schema.tables where table_schema = database() and table_name = 'target'");
  if (!rows.ok()) return rows.fault();
  store::RegistrationStore::Statistics statistics;
  if (!rows.value().next()) return statistics;
  statistics.registrations = static_cast<std::uint64_t>(rows.value().number(0));
  statistics.usedBytes = static_cast<std::uint64_t>(rows.value().number(1));
  return statistics;
}

}  // namespace p2::mariadb
