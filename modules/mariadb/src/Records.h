#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/store/Registration.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

namespace p2::mariadb {

/// What a row of the table says.
struct Record {
  store::Registration registration;  ///< As far as the row can be read.
  std::string unreadable{};          ///< Why it cannot be; empty if it can.

  bool operator==(const Record&) const = default;
};

/// By what a registration is asked for.
using Name = std::variant<std::string, store::DeviceKey>;

/// Where a long statement ends and another begins: far below the smallest max_allowed_packet.
inline constexpr std::size_t kStatementBytes = 256 * 1024;

/// Columns as valuesOf() has them.
extern const char* const kColumns;
// The kind and the last date of a row of the table target. Whoever knows nothing of p2's columns gives a row
// a registration token, as its phone has just told it.
inline const std::string kKindNow = "if(target.changed is null, target.kind, 0)";
inline const std::string kRenewedNow =
    "greatest(target.renewed, coalesce(unix_timestamp(target.changed), 0))";
/// The same columns as recordOf() has them, of the table target.
std::string columnsNow();
/// The row that `rows` has come to.
Record recordOf(const ResultSet& rows);
/// A registration as a row to be inserted: "(…)".
std::string valuesOf(const store::Registration& registration);
/// "(…, …)": nodes, for "node in". REQUIRES: there are some.
std::string listOf(std::span<const std::string> nodes);

/// Rows by node and by device, which are told apart by every byte, whatever the database's collation
/// takes for equal. A value.
class Records {
 public:
  void put(Record record);
  void erase(const std::string& node);

  /// What stands there; null if nothing does. Valid until the next change.
  const Record* find(const Name& name) const;
  const Record* ofNode(const std::string& node) const;
  const Record* ofDevice(const store::DeviceKey& key) const;

 private:
  using Key = std::tuple<store::Service, std::string, std::string>;

  static Key keyOf(const store::DeviceKey& key) { return {key.service, key.device, key.channel}; }

  std::map<std::string, Record> _records;  ///< By node.
  std::map<Key, std::string> _nodes;       ///< By device.
};

enum class Lock { none, forUpdate };

/// Reads what stands under these names, in two statements at most.
Outcome<Records> readRecords(Connection& connection, std::span<const Name* const> names, Lock lock);

}  // namespace p2::mariadb
