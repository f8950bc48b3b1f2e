#pragma once

#include "p2/core/Result.h"
#include "p2/mariadb/Migration.h"
#include "p2/settings/Settings.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace p2::app {

/// A database in MariaDB with the table of the reference service or of p2, for what is done with it beside
/// serving. Errors are in an operator's words; all of it blocks on the network. A value.
class DatabaseLink {
 public:
  using Address = settings::Settings::Store::Mariadb;

  explicit DatabaseLink(Address address) : _address(std::move(address)) {}

  /// What makes the database p2's.
  using Plan = mariadb::MigrationPlan;
  core::Result<Plan> planMigration() const;
  /// Does it, and tells each step before.
  core::Result<void> migrate(const std::function<void(const std::string& step)>& onStep) const;

  /// Rows of the table, as they come.
  struct Table {
    using Fields = std::vector<std::optional<std::string>>;

    Fields columns;                                              ///< Their names.
    std::function<core::Result<std::optional<Fields>>()> fetch;  ///< The next row; nothing at the end.
  };
  core::Result<Table> openTable() const;

  /// What an operator calls it.
  std::string name() const { return "the database " + _address.database + " in MariaDB"; }
  const std::string& database() const { return _address.database; }

 private:
  Address _address;
};

}  // namespace p2::app
