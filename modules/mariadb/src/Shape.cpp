#include "Shape.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace p2::mariadb {

namespace {

// Names, and what the reference service reads and writes, are those of its table. What it does not know has a
// default.
constexpr std::array kTargetColumns{
    WantedColumn{"node", "varchar", 64, "not null"},
    WantedColumn{"secret", "varchar", 64, "not null"},
    WantedColumn{"service", "varchar", 4, "not null default 'FCM'"},
    WantedColumn{"device", "varchar", 64, "not null"},
    WantedColumn{"channel", "varchar", 64, "not null default ''"},
    WantedColumn{"domain", "varchar", 1023, "not null default ''"},
    WantedColumn{"kind", "tinyint", 0, "not null default 0", "tinyint unsigned"},
    WantedColumn{"token", "varchar", 4096, "not null"},
    WantedColumn{"created", "bigint", 0, "not null default unix_timestamp()"},
    WantedColumn{"renewed", "bigint", 0, "not null default unix_timestamp()"},
    WantedColumn{"changed", "timestamp", 0, "null default null on update current_timestamp()"}};

constexpr std::array kServiceTimeColumns{
    WantedColumn{"id", "tinyint", 0, "not null", "tinyint unsigned"},
    WantedColumn{"value", "varbinary", 8192, "not null", "varbinary(8192)"}};

constexpr std::array kServingColumns{WantedColumn{"instance", "varchar", 16, "not null"},
                                     WantedColumn{"beat", "bigint", 0, "not null"}};

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

MaybeFault readColumns(Connection& connection, const std::string& table, Shape& shape) {
  auto rows = connection.query(
      "select column_name, data_type, coalesce(character_maximum_length, 0), coalesce(collation_name, ''),"
      "   is_nullable = 'YES', column_default is not null, extra"
      " from information_schema.columns where table_schema = database() and table_name = '" +
      table + "'");
  if (!rows.ok()) return rows.fault();
  while (rows.value().next()) {
    const auto text = [&](std::size_t column) { return std::string(rows.value().text(column).value_or("")); };
    shape.columns[lowercase(text(0))] = {lowercase(text(1)),
                                         static_cast<std::size_t>(rows.value().number(2)),
                                         text(3),
                                         rows.value().number(4) != 0,
                                         rows.value().number(5) != 0,
                                         lowercase(text(6))};
  }
  return std::nullopt;
}

MaybeFault readKeys(Connection& connection, const std::string& table, Shape& shape) {
  auto rows = connection.query(
      "select index_name, non_unique, column_name from information_schema.statistics"
      " where table_schema = database() and table_name = '" +
      table + "' order by index_name, seq_in_index");
  if (!rows.ok()) return rows.fault();
  while (rows.value().next()) {
    auto& key = shape.keys[std::string(rows.value().text(0).value_or(""))];
    key.unique = rows.value().number(1) == 0;
    key.columns.push_back(lowercase(rows.value().text(2).value_or("")));
  }
  return std::nullopt;
}

}  // namespace

const WantedTable kTargetTable{"target", kTargetColumns,
                               "primary key (node), unique key device (device, channel, service)"};
const WantedTable kServiceTimeTable{"service_time", kServiceTimeColumns, "primary key (id)"};
const WantedTable kServingTable{"serving", kServingColumns, "primary key (instance)"};

bool Shape::Column::mayBeLeftOut() const {
  return nullable || hasDefault || contains(extra, "auto_increment") || contains(extra, "generated");
}

const Shape::Column* Shape::column(std::string_view name) const {
  const auto found = columns.find(std::string(name));
  return found == columns.end() ? nullptr : &found->second;
}

Outcome<Shape> readShape(Connection& connection, const std::string& table) {
  Shape shape;
  auto rows = connection.query(
      "select engine from information_schema.tables where table_schema = database() and table_name = '" +
      table + "'");
  if (!rows.ok()) return rows.fault();
  if (rows.value().next()) shape.engine = rows.value().text(0).value_or("");
  if (auto fault = readColumns(connection, table, shape)) return std::move(*fault);
  if (auto fault = readKeys(connection, table, shape)) return std::move(*fault);
  return shape;
}

std::string WantedColumn::definition() const {
  std::string text = std::string(name) + ' ';
  if (std::string_view(type) == "varchar") {
    text += "varchar(" + std::to_string(characters) + ") character set utf8mb4 collate " + kCollation;
  } else {
    text += sqlType;
  }
  return text + ' ' + properties;
}

std::string WantedColumn::faultOf(const Shape::Column& column) const {
  const std::string_view wanted(properties);
  if (column.type != type) return "is " + column.type + " and must be " + type;
  if (column.characters < characters) {
    return "holds " + std::to_string(column.characters) + " characters and must hold " +
           std::to_string(characters);
  }
  if (column.type == "varchar" && column.collation != kCollation) {
    return "has a collation that does not compare bytes";
  }
  if (column.nullable == contains(wanted, "not null")) {
    return column.nullable ? "may be NULL" : "must be NULL by default";
  }
  if (contains(wanted, "not null default") && !column.hasDefault) return "has no default";
  if (contains(wanted, "on update") && !contains(column.extra, "on update")) {
    return "does not tell who has changed a row";
  }
  return {};
}

std::string WantedTable::creation() const {
  std::string text = std::string("create table if not exists ") + name + " (";
  for (const auto& column : columns) text += column.definition() + ", ";
  return text + keys + ") engine = InnoDB";
}

bool hasNodeKey(const Shape& target) {
  return std::any_of(target.keys.begin(), target.keys.end(), [](const auto& named) {
    return named.second.unique && named.second.columns == std::vector<std::string>{"node"};
  });
}

bool hasDeviceKey(const Shape& target) {
  const auto found = target.keys.find(kDeviceKey);
  return found != target.keys.end() && found->second.unique &&
         found->second.columns == std::vector<std::string>{"device", "channel", "service"};
}

std::vector<std::string> keysInTheWay(const Shape& target) {
  std::vector<std::string> names;
  for (const auto& [name, key] : target.keys) {
    const bool ofDevices = std::all_of(key.columns.begin(), key.columns.end(), [](const auto& column) {
      return column == "device" || column == "channel" || column == "service";
    });
    if (key.unique && ofDevices && key.columns.size() < 3) names.push_back(name);
  }
  return names;
}

}  // namespace p2::mariadb
