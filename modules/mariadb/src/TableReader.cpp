#include "p2/mariadb/TableReader.h"

#include "Cluster.h"
#include "Connection.h"
#include "Hosts.h"
#include "Records.h"
#include "Session.h"
#include "Shape.h"

#include <array>
#include <chrono>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

// The rows are sorted before the first one comes, and who takes them may take time for each.
constexpr std::chrono::seconds kPatience{3600};
constexpr const char* kLongWait = "set session net_write_timeout = 3600";

constexpr std::array kTexts{"service", "device", "channel", "domain", "token", "node", "secret"};

/// A column, and the SQL that gives it.
struct Selected {
  std::string name;
  std::string sql;
};

/// Whether p2 has widened it: columns of the same names may be somebody else's.
bool isWidened(const Shape& target) {
  for (const auto& wanted : kTargetTable.columns) {
    const auto* found = target.column(wanted.name);
    if (found == nullptr || found->type != wanted.type) return false;
  }
  return true;
}

std::vector<Selected> selection(const Shape& target) {
  std::vector<Selected> columns;
  for (const char* name : kTexts) {
    if (target.column(name) != nullptr) columns.push_back({name, name});
  }
  if (isWidened(target)) {
    for (const auto& [name, sql] :
         {Selected{"kind", kKindNow}, Selected{"created", "created"}, Selected{"renewed", kRenewedNow}}) {
      columns.push_back({name, sql});
    }
  }
  return columns;
}

std::string statementFor(const Shape& target, const std::vector<Selected>& columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + column.sql;
  return "select " + list + " from target" +
         (target.column("node") == nullptr ? "" : " order by convert(node using utf8mb4) collate ") +
         (target.column("node") == nullptr ? "" : kCollation);
}

}  // namespace

class TableReader::Impl {
 public:
  Impl(const Options& options, Purpose purpose)
      : _options(options),
        _hosts(_options, kPatience, _cluster.welcome(_options), purpose),
        _session(_hosts) {}

  MaybeFault begin();
  const Fields& columns() const { return _columns; }
  Result<std::optional<Fields>> next();

 private:
  const Options _options;
  Cluster _cluster;
  Hosts _hosts;
  Session _session;
  Connection* _connection = nullptr;
  Fields _columns;
  std::optional<ResultSet> _rows;  ///< Last: its rest comes over the connection.
};

MaybeFault TableReader::Impl::begin() {
  auto ready = _session.connection();
  if (!ready.ok()) return ready.fault();
  _connection = ready.value();
  auto target = readShape(*_connection, kTargetTable.name);
  if (!target.ok()) return target.fault();
  const auto columns = selection(target.value());
  if (columns.empty()) {
    return Fault{Fault::Kind::refused, "The database " + _connection->name() +
                                           " has no table target of the reference service in " +
                                           _options.database + "."};
  }
  for (const auto& column : columns) _columns.emplace_back(column.name);
  if (auto done = _connection->execute(kLongWait); !done.ok()) return done.fault();
  auto rows = _connection->stream(statementFor(target.value(), columns));
  if (!rows.ok()) return rows.fault();
  _rows.emplace(std::move(rows.value()));
  return std::nullopt;
}

Result<std::optional<TableReader::Fields>> TableReader::Impl::next() {
  if (!_rows->next()) {
    if (auto fault = _connection->faultOfStream()) return Error{fault->text};
    return std::optional<Fields>();
  }
  Fields fields;
  for (std::size_t column = 0; column < _columns.size(); ++column) {
    const auto text = _rows->text(column);
    fields.push_back(text ? std::optional<std::string>(*text) : std::nullopt);
  }
  return std::optional(std::move(fields));
}

TableReader::TableReader(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

TableReader::~TableReader() = default;

Result<std::unique_ptr<TableReader>> TableReader::open(const Options& options) {
  MaybeFault fault;
  for (const auto purpose : {Purpose::serving, Purpose::reading}) {
    auto impl = std::make_unique<Impl>(options, purpose);
    fault = impl->begin();
    if (!fault) return std::unique_ptr<TableReader>(new TableReader(std::move(impl)));
  }
  return Error{fault->text};
}

const TableReader::Fields& TableReader::columns() const {
  return _impl->columns();
}

Result<std::optional<TableReader::Fields>> TableReader::next() {
  return _impl->next();
}

}  // namespace p2::mariadb
