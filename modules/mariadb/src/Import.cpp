#include "Import.h"

#include "Records.h"
#include "Schema.h"
#include "Shape.h"
#include "Text.h"
#include "p2/store/Validity.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace p2::mariadb {

namespace {

using Report = store::RegistrationArchive::ImportReport;
using Row = store::ImportSource::Row;

/// Rows are `taken` until something speaks against them: 1 if they are new, 2 if their node is there.
constexpr const char* kStaging =
    "create temporary table staging ("
    "  line bigint unsigned not null,"
    "  dated tinyint not null,"
    "  taken tinyint not null default 1,"
    "  differs tinyint not null default 0,"
    "  node varchar(64) not null,"
    "  secret varchar(64) not null,"
    "  service varchar(4) not null,"
    "  device varchar(64) not null,"
    "  channel varchar(64) not null,"
    "  domain varchar(1023) not null,"
    "  kind tinyint unsigned not null,"
    "  token varchar(4096) not null,"
    "  created bigint not null,"
    "  renewed bigint not null,"
    "  primary key (line),"
    "  key node (node, line),"
    "  key device (device, channel, service, line)"
    ") engine = InnoDB character set utf8mb4 collate ";

/// Rows that cannot be taken: their lines, and the line that each collides with, if it is one.
struct Rule {
  const char* lines;
  const char* why;  ///< Null if it is no fault, but an older state of the same registration.
};

/// Each looks at what the ones before it have left.
constexpr std::array kRules{
    Rule{"select line, first from ("
         "  select line, device, channel, service, first_value(line) over nodes as first,"
         "    first_value(device) over nodes as device1, first_value(channel) over nodes as channel1,"
         "    first_value(service) over nodes as service1"
         "  from staging window nodes as (partition by node order by line)) as seen"
         " where device <> device1 or channel <> channel1 or service <> service1",
         "Its node is that of another device"},
    Rule{"select line, null from ("
         "  select line, row_number() over (partition by node order by renewed desc, line desc) as place"
         "  from staging where taken) as seen"
         " where place > 1",
         nullptr},
    Rule{"select line, null from staging join target on target.node = staging.node"
         " where taken and (target.device <> staging.device or target.channel <> staging.channel"
         "   or target.service <> staging.service)",
         "Its node is in the store for another device"},
    Rule{
        "select line, first from ("
        "  select line, first_value(line) over (partition by device, channel, service order by line) as first"
        "  from staging where taken) as seen"
        " where line <> first",
        "Its device has another node"},
    Rule{"select line, null from staging join target on target.device = staging.device"
         "   and target.channel = staging.channel and target.service = staging.service"
         " where taken and target.node <> staging.node",
         "Its device is in the store with another node"},
};

/// What is there says how old a row without dates of its own can be, how old its registration is, and
/// whether the row says anything else.
std::string comparison() {
  return "update staging join target on target.node = staging.node"
         " set taken = 2,"
         "   staging.renewed = if(not dated and " +
         kRenewedNow + " > target.created, target.created, staging.renewed)," +
         "   staging.created = least(staging.created, target.created),"
         "   differs = target.secret <> staging.secret or target.domain <> staging.domain"
         "     or " +
         kKindNow + " <> staging.kind or target.token <> staging.token where taken";
}

std::string counting() {
  return "select count(*), coalesce(sum(taken = 1), 0),"
         "  coalesce(sum(taken = 2 and differs and " +
         kRenewedNow +
         " <= staging.renewed), 0)"
         " from staging left join target on target.node = staging.node where taken";
}

std::string replacement() {
  return "update target join staging on target.node = staging.node and target.device = staging.device"
         "   and target.channel = staging.channel and target.service = staging.service"
         " set target.secret = staging.secret, target.domain = staging.domain, target.kind = staging.kind,"
         "   target.token = staging.token, target.created = staging.created,"
         "   target.renewed = staging.renewed, target.changed = null"
         " where taken = 2"
         "   and (" +
         kRenewedNow + " < staging.renewed or (differs and " + kRenewedNow + " = staging.renewed))";
}

/// One import, step by step.
class Import {
 public:
  Import(Connection& connection, store::ImportSource& source, bool keepDomain)
      : _connection(connection), _source(source), _keepDomain(keepDomain) {}

  Outcome<Report> run();

 private:
  MaybeFault stage();
  MaybeFault add(const Row& row);
  MaybeFault flush();
  MaybeFault judge();
  Outcome<std::uint64_t> drop(const Rule& rule);
  MaybeFault markDropped(const std::vector<std::uint64_t>& lines);
  MaybeFault count();
  MaybeFault write();
  MaybeFault renewAll();
  MaybeFault execute(const std::string& statement);

  Connection& _connection;
  store::ImportSource& _source;
  const bool _keepDomain;
  std::string _statement;  ///< Rows on their way into the temporary table.
  Report _report;
};

Outcome<Report> Import::run() {
  for (const auto step : {&Import::stage, &Import::judge, &Import::count}) {
    if (auto fault = (this->*step)()) return std::move(*fault);
  }
  if (!_source.confirm()) return _report;
  if (auto fault = write()) return std::move(*fault);
  _report.imported = true;
  return _report;
}

MaybeFault Import::execute(const std::string& statement) {
  auto done = _connection.execute(statement);
  return done.ok() ? MaybeFault() : done.fault();
}

MaybeFault Import::stage() {
  if (auto fault = execute(std::string(kStaging) + kCollation)) return fault;
  for (;;) {
    auto given = _source.next();
    if (!given.ok()) return Fault{Fault::Kind::refused, given.error()};
    if (!given.value()) return flush();
    Row& row = *given.value();
    if (!_keepDomain) row.registration.domain.clear();
    auto valid = store::checkRegistration(row.registration);
    if (valid.ok()) valid = checkText(row.registration);
    if (!valid.ok()) {
      _source.refuse(row.line, valid.error());
    } else if (auto fault = add(row)) {
      return fault;
    }
  }
}

MaybeFault Import::add(const Row& row) {
  if (_statement.empty()) {
    _statement = std::string("insert into staging (line, dated, ") + kColumns + ") values ";
  } else {
    _statement += ", ";
  }
  _statement += '(' + std::to_string(row.line) + ", " + (row.dated ? '1' : '0') + ", " +
                valuesOf(row.registration).substr(1);
  return _statement.size() < kStatementBytes ? std::nullopt : flush();
}

MaybeFault Import::flush() {
  if (_statement.empty()) return std::nullopt;
  return execute(std::exchange(_statement, {}));
}

MaybeFault Import::judge() {
  for (const Rule& rule : kRules) {
    auto dropped = drop(rule);
    if (!dropped.ok()) return dropped.fault();
    if (rule.why == nullptr) _report.unchanged += dropped.value();
  }
  return std::nullopt;
}

Outcome<std::uint64_t> Import::drop(const Rule& rule) {
  auto rows = _connection.query(rule.lines);
  if (!rows.ok()) return rows.fault();
  std::vector<std::uint64_t> lines;
  while (rows.value().next()) {
    lines.push_back(static_cast<std::uint64_t>(rows.value().number(0)));
    if (rule.why == nullptr) continue;
    const auto other = rows.value().text(1);
    _source.refuse(lines.back(), rule.why + (other ? " in line " + std::string(*other) : "") + '.');
  }
  if (auto fault = markDropped(lines)) return std::move(*fault);
  return std::uint64_t{lines.size()};
}

MaybeFault Import::markDropped(const std::vector<std::uint64_t>& lines) {
  std::string list;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    list += (list.empty() ? "" : ", ") + std::to_string(lines[i]);
    if (i + 1 < lines.size() && list.size() < kStatementBytes) continue;
    if (auto fault = execute("update staging set taken = 0 where line in (" + list + ')')) return fault;
    list.clear();
  }
  return std::nullopt;
}

MaybeFault Import::count() {
  if (auto fault = execute(comparison())) return fault;
  auto rows = _connection.query(counting());
  if (!rows.ok()) return rows.fault();
  const auto number = [&](std::size_t column) {
    return static_cast<std::uint64_t>(rows.value().number(column));
  };
  rows.value().next();
  _report.added = number(1);
  _report.updated = number(2);
  _report.unchanged += number(0) - number(1) - number(2);
  return std::nullopt;
}

/// All in one transaction. A node or device that somebody has added since the rows were judged ends it.
MaybeFault Import::write() {
  for (const std::string& statement : {std::string("start transaction"),
                                       std::string("insert into target (") + kColumns + ") select " +
                                           kColumns + " from staging where taken = 1",
                                       replacement()}) {
    if (auto fault = execute(statement)) return fault;
  }
  if (auto fault = renewAll()) return fault;
  return execute("commit");
}

/// The dates of other machines say nothing about the time in which phones reached this one.
MaybeFault Import::renewAll() {
  auto time = readServiceTime(_connection, Lock::forUpdate);
  if (!time.ok()) return time.fault();
  time.value().renewAll();
  return writeServiceTime(_connection, time.value());
}

}  // namespace

Outcome<Report> importRows(Connection& connection, store::ImportSource& source, bool keepDomain) {
  auto report = Import(connection, source, keepDomain).run();
  if (report.ok() || report.fault().kind != Fault::Kind::contended) return report;
  return Fault{Fault::Kind::contended,
               "Registrations of the import were changed in the database in the same moment. Nothing was "
               "imported: run it again."};
}

}  // namespace p2::mariadb
