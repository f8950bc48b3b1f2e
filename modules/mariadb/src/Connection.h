#pragma once

#include "Fault.h"
#include "p2/mariadb/Options.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

struct st_mysql;
struct st_mysql_res;

namespace p2::mariadb {

/// What a statement gave, row by row. Used by one thread.
class ResultSet {
 public:
  explicit ResultSet(st_mysql_res* result) : _result(result) {}

  /// Goes to the next row, at first to the first.
  bool next();
  /// A column of this row; nothing if it is NULL. The view lives until next(). REQUIRES: next() gave true.
  std::optional<std::string_view> text(std::size_t column) const;
  /// The same as a number; 0 if it is none.
  std::int64_t number(std::size_t column) const;

 private:
  struct Free {
    void operator()(st_mysql_res* result) const;
  };

  std::unique_ptr<st_mysql_res, Free> _result;
  char** _row = nullptr;
  unsigned long* _lengths = nullptr;
};

/// What a host is wanted for.
enum class Purpose {
  serving,  ///< What it does not have must be nowhere, and it must take writes.
  reading,  ///< What it has is told: a replica may be behind.
};

/// One connection to one host. Every call blocks, up to its patience. After a fault that is `lost` it is good
/// for nothing more. Used by one thread at a time.
class Connection {
 public:
  /// Connects, and sees that the host is good for the purpose. `patience`: for each statement.
  static Outcome<std::unique_ptr<Connection>> open(const Host& host, const Options& options,
                                                   std::chrono::seconds patience,
                                                   Purpose purpose = Purpose::serving);
  /// The same, whether the host can serve or not.
  static Outcome<std::unique_ptr<Connection>> openAny(const Host& host, const Options& options,
                                                      std::chrono::seconds patience);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Outcome<ResultSet> query(const std::string& statement);
  /// The same, but the rows come as they are asked for. Nothing else may be asked until the last of them, or
  /// the end of what this gives.
  Outcome<ResultSet> stream(const std::string& statement);
  /// Why the rows have ended, if that was not the last one.
  MaybeFault faultOfStream() const;
  /// For what gives no rows; gives how many it has changed.
  Outcome<std::uint64_t> execute(const std::string& statement);
  /// Whether the host is part of a Galera cluster.
  bool isClustered() const { return _clustered; }
  /// Of which cluster; empty if of none, or before it has served.
  const std::string& clusterId() const { return _clusterId; }
  /// From now on a statement that reads sees all that its cluster had agreed upon before.
  MaybeFault readCausally();
  /// A fault unless what this host does not have is nowhere: one that can be written, and in a cluster is in
  /// step with the part that goes on. A replica lags behind.
  MaybeFault checkServes();
  /// A fault if the host is of a cluster, and not in step with the part that goes on.
  MaybeFault checkInStep();
  /// From now on checkServes() asks this as well, in the end. Not in a cluster, which knows by itself.
  void alsoCheck(std::function<MaybeFault(Connection&)> check) { _alsoCheck = std::move(check); }
  const std::string& name() const { return _name; }

 private:
  Connection(std::string name, st_mysql* handle) : _name(std::move(name)), _handle(handle) {}

  MaybeFault connect(const Host& host, const Options& options);
  MaybeFault checkVersion();
  MaybeFault prepare(const Options& options, std::chrono::seconds patience);
  void setOptions(const Options& options, std::chrono::seconds patience);
  Fault fault() const;

  const std::string _name;  ///< Of the host, for texts.
  st_mysql* _handle;
  bool _clustered = false;
  std::string _clusterId;
  bool _causal = false;
  std::function<MaybeFault(Connection&)> _alsoCheck;
};

/// Bytes as an SQL literal, whatever they are.
std::string literal(std::string_view bytes);
/// The same as text, which a column's collation compares. REQUIRES: it is UTF-8; else the database refuses
/// the statement.
std::string textLiteral(std::string_view text);
/// Whether a variable of the server, as SHOW VARIABLES has it, says that something is off. There is more than
/// one way to be on: `read_only` has ON, NO_LOCK and NO_LOCK_NO_ADMIN since MariaDB 12.0.
bool isOff(std::string_view value);
/// Whether the value of `innodb_flush_log_at_trx_commit` means that what is committed is on the disk.
bool isDurable(std::string_view flushes);
/// What operators call a host.
std::string nameOf(const Host& host);

}  // namespace p2::mariadb
