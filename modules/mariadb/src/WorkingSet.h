#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Records.h"
#include "p2/store/Registration.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace p2::mariadb {

/// The rows that the changes of one transaction concern: read and locked together, changed here one after the
/// other, and written together. Used by one thread.
class WorkingSet {
 public:
  explicit WorkingSet(Records rows) : _rows(std::move(rows)) {}

  const Record* find(const Name& name) const { return _rows.find(name); }
  void put(store::Registration registration);
  void erase(const std::string& node);

  /// Writes what has changed, in a few statements.
  MaybeFault write(Connection& connection) const;
  /// The nodes that have been changed.
  std::vector<std::string> touched() const;
  bool erases() const;
  bool adds() const;
  /// Whether `rows`, read later, are as this set has left them: then its transaction was committed.
  bool standsIn(const Records& rows) const;

 private:
  /// Remembers how a row was that is about to change.
  void touch(const std::string& node);

  Records _rows;
  std::map<std::string, std::optional<Record>> _before;  ///< Those touched, as they were read.
};

}  // namespace p2::mariadb
