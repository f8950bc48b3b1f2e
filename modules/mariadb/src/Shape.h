#pragma once

#include "Connection.h"
#include "Fault.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace p2::mariadb {

/// What a table is like, as the database tells it. A value.
struct Shape {
  struct Column {
    std::string type;            ///< `varchar`
    std::size_t characters = 0;  ///< How many it holds; bytes if it is binary, 0 if it is no text.
    std::string collation;       ///< Empty: none.
    bool nullable = false;
    bool hasDefault = false;
    std::string extra;  ///< `on update current_timestamp()`

    /// Whether an insert need not name it.
    bool mayBeLeftOut() const;
  };
  struct Key {
    std::vector<std::string> columns;
    bool unique = false;
  };

  std::string engine;  ///< Empty: there is no such table.
  std::map<std::string, Column> columns;
  std::map<std::string, Key> keys;

  bool exists() const { return !columns.empty(); }
  const Column* column(std::string_view name) const;
};

Outcome<Shape> readShape(Connection& connection, const std::string& table);

/// A column as it must be. Immutable.
struct WantedColumn {
  const char* name;
  const char* type;        ///< As Shape has it.
  std::size_t characters;  ///< At least; 0 if it is no text.
  const char* properties;  ///< What stands in its definition behind the type.
  const char* sqlType = type;

  std::string definition() const;
  /// Why it cannot be used as it is: `holds 255 characters and must hold 4096`; empty if it can.
  std::string faultOf(const Shape::Column& column) const;
};

/// A table as it must be. Immutable.
struct WantedTable {
  const char* name;
  std::span<const WantedColumn> columns;
  const char* keys;  ///< In its definition.

  std::string creation() const;
};

extern const WantedTable kTargetTable;
extern const WantedTable kServiceTimeTable;
extern const WantedTable kServingTable;

inline constexpr const char* kCollation = "utf8mb4_nopad_bin";
inline constexpr const char* kDeviceKey = "device";

/// Whether some unique key has this very column.
bool hasNodeKey(const Shape& target);
/// Whether the key that finds a device is there.
bool hasDeviceKey(const Shape& target);
/// Names of keys that forbid what p2 stores: a device with several channels.
std::vector<std::string> keysInTheWay(const Shape& target);

}  // namespace p2::mariadb
