#include "p2/mariadb/Inspection.h"

#include "Connection.h"
#include "Schema.h"
#include "p2/core/Clock.h"

#include <array>
#include <mysqld_error.h>
#include <string_view>

namespace p2::mariadb {

namespace {

/// A statement that changes nothing and is refused to whom the right is missing.
struct Right {
  std::string_view name;
  std::string_view probe;
  bool needsTable = true;
};

constexpr std::array<Right, 5> kRights{
    {{"SELECT", "select node from target limit 0"},
     {"INSERT",
      "insert into target (node, secret, device, token) select node, secret, device, token from target"
      " where false"},
     {"UPDATE", "update target set token = token where false"},
     {"DELETE", "delete from target where false"},
     {"CREATE TEMPORARY TABLES", "create temporary table p2_probe (id tinyint) engine = InnoDB", false}}};

bool isDenial(unsigned code) {
  return code == ER_DBACCESS_DENIED_ERROR || code == ER_TABLEACCESS_DENIED_ERROR ||
         code == ER_COLUMNACCESS_DENIED_ERROR;
}

bool isMissingTable(unsigned code) {
  return code == ER_NO_SUCH_TABLE;
}

std::string firstText(Connection& connection, const std::string& query, std::size_t column) {
  auto rows = connection.query(query);
  if (!rows.ok() || !rows.value().next()) return {};
  return std::string(rows.value().text(column).value_or(""));
}

std::int64_t firstNumber(Connection& connection, const std::string& query, std::size_t column) {
  auto rows = connection.query(query);
  return rows.ok() && rows.value().next() ? rows.value().number(column) : 0;
}

/// `'p2'@'%'`, as GRANT has it.
std::string accountOf(Connection& connection) {
  const auto account = firstText(connection, "select current_user()", 0);
  const auto at = account.rfind('@');
  if (at == std::string::npos) return account;
  return '\'' + account.substr(0, at) + "'@'" + account.substr(at + 1) + '\'';
}

std::string grantOf(const std::string& rights, const Options& options, const std::string& account) {
  return "GRANT " + rights + " ON `" + options.database + "`.* TO " + account;
}

Outcome<std::uint64_t> probe(Connection& connection, const Right& right) {
  const std::string statement(right.probe);
  if (!statement.starts_with("select")) return connection.execute(statement);
  auto rows = connection.query(statement);
  if (!rows.ok()) return rows.fault();
  return std::uint64_t{0};
}

/// Notes in the report what the user may not; gives whether that is all right.
bool inspectRights(Connection& connection, const Options& options, HostReport& report) {
  std::string missing;
  for (const auto& right : kRights) {
    if (right.needsTable && !report.hasTables) continue;
    const auto done = probe(connection, right);
    if (done.ok()) continue;
    if (isMissingTable(done.fault().code)) {
      report.hasTables = false;
    } else if (isDenial(done.fault().code)) {
      missing.append(missing.empty() ? "" : ", ").append(right.name);
    }
  }
  (void)connection.execute("drop temporary table if exists p2_probe");
  if (missing.empty()) return true;
  report.refuses = true;
  report.fault = "The database " + report.name +
                 " does not let p2 do all that it must: " + grantOf(missing, options, accountOf(connection)) +
                 '.';
  return false;
}

void inspectHost(Connection& connection, const Options& options, HostReport& report) {
  report.version = firstText(connection, "select version()", 0);
  report.cipher = firstText(connection, "show session status like 'Ssl_cipher'", 1);
  if (connection.isClustered()) {
    report.nodes =
        static_cast<std::uint64_t>(firstNumber(connection, "show status like 'wsrep_cluster_size'", 1));
    report.clusterId = connection.clusterId();
  }
  report.flushes = isDurable(firstText(connection, "select @@innodb_flush_log_at_trx_commit", 0));
  const auto here = core::wallTime().time_since_epoch();
  const std::chrono::seconds there(firstNumber(connection, "select unix_timestamp()", 0));
  report.clockIsAhead = there - std::chrono::duration_cast<std::chrono::seconds>(here);
  if (!inspectRights(connection, options, report) || !report.hasTables) return;
  if (const auto fault = checkTables(connection)) {
    report.fault = fault->text;
    report.refuses = fault->kind == Fault::Kind::refused;
  }
}

HostReport inspect(const Host& host, const Options& options) {
  HostReport report;
  report.name = nameOf(host);
  auto opened = Connection::openAny(host, options, options.timeout);
  auto fault = opened.ok() ? opened.value()->checkServes() : MaybeFault(opened.fault());
  report.clustered = opened.ok() && opened.value()->isClustered();
  if (!fault) {
    inspectHost(*opened.value(), options, report);
    return report;
  }
  report.fault = fault->text;
  report.refuses = fault->kind == Fault::Kind::refused;
  return report;
}

}  // namespace

std::vector<HostReport> inspectHosts(const Options& options) {
  std::vector<HostReport> reports;
  for (const auto& host : options.hosts) reports.push_back(inspect(host, options));
  return reports;
}

}  // namespace p2::mariadb
