#include "links/DatabaseLink.h"

#include "links/MariadbOptions.h"
#include "p2/mariadb/TableReader.h"

#include <memory>

namespace p2::app {

core::Result<DatabaseLink::Plan> DatabaseLink::planMigration() const {
  return mariadb::planMigration(mariadbOptions(_address));
}

core::Result<void> DatabaseLink::migrate(const std::function<void(const std::string& step)>& onStep) const {
  return mariadb::migrate(mariadbOptions(_address), onStep);
}

core::Result<DatabaseLink::Table> DatabaseLink::openTable() const {
  auto opened = mariadb::TableReader::open(mariadbOptions(_address));
  if (!opened) return core::Error{opened.error()};
  // Shared, as a std::function is copied.
  const std::shared_ptr<mariadb::TableReader> reader = std::move(opened).value();
  return Table{reader->columns(), [reader] { return reader->next(); }};
}

}  // namespace p2::app
