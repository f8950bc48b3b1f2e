#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace p2::store {

/// The databases in the environment, opened once. README.md has what is in them.
struct TableHandles {
  MDB_dbi targets = 0;  ///< node → record
  MDB_dbi devices = 0;  ///< service, device, channel → node
};

/// The registrations as one transaction sees them. What reads gives the registration or an error's text; what
/// writes gives LMDB's code, and any but 0 means that the transaction must be aborted. Used by one thread at
/// a time; lives no longer than its transaction.
class Tables {
 public:
  Tables(MDB_txn* transaction, const TableHandles& handles) : _transaction(transaction), _handles(handles) {}

  core::Result<std::optional<Registration>> find(std::string_view node) const;
  core::Result<std::optional<Registration>> find(const DeviceKey& key) const;
  core::Result<std::optional<std::string>> nodeOf(const DeviceKey& key) const;
  std::uint64_t size() const;

  /// Visits the registrations whose node is `first` or after it, in order, until `visit` gives false.
  core::Result<void> walk(std::string_view first,
                          const std::function<bool(const Registration&)>& visit) const;

  /// Puts the registration in both tables. REQUIRES: checkRegistration() has no objection; the invariant that
  /// node and device belong to each other alone is kept by the caller.
  int put(const Registration& registration);
  /// One half of put().
  int putTarget(const Registration& registration);
  /// The other half of put().
  int putDevice(const Registration& registration);
  int erase(const Registration& registration);

 private:
  MDB_txn* _transaction;
  const TableHandles& _handles;
};

}  // namespace p2::store
