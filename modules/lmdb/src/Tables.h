#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"
#include "p2/store/ServiceTime.h"

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace p2::lmdb {

/// A record that is there and cannot be read: a newer p2 wrote it, or it is damaged.
struct Unreadable {
  std::string why;  ///< Without the node, so that a log can tell repetitions.
};

/// What stands under a node.
using Stored = std::variant<std::monostate, store::Registration, Unreadable>;

/// The databases in the environment, opened once. README.md has what is in them.
struct TableHandles {
  MDB_dbi meta = 0;     ///< name → what it is the name of
  MDB_dbi targets = 0;  ///< node → record
  MDB_dbi devices = 0;  ///< service, device, channel → node
};

/// The registrations as one transaction sees them. What reads gives the registration or an error's text; what
/// writes gives LMDB's code, and any but 0 means that the transaction must be aborted. Used by one thread at
/// a time; lives no longer than its transaction.
class Tables {
 public:
  Tables(MDB_txn* transaction, const TableHandles& handles) : _transaction(transaction), _handles(handles) {}

  core::Result<std::optional<store::Registration>> find(std::string_view node) const;
  core::Result<std::optional<store::Registration>> find(const store::DeviceKey& key) const;
  /// The same as find(node) for who can go on with a record that cannot be read; find() calls that an error.
  core::Result<Stored> look(std::string_view node) const;
  core::Result<std::optional<std::string>> nodeOf(const store::DeviceKey& key) const;
  /// The same for a key as encodeDeviceKey() gives it.
  core::Result<std::optional<std::string>> nodeOf(std::string_view device) const;
  std::uint64_t size() const;
  core::Result<store::ServiceTime> serviceTime() const;

  /// Visits what stands under the nodes from `first` on, in order, until `visit` gives false. It is never
  /// nothing.
  using Visit = std::function<bool(std::string_view node, Stored&& stored)>;
  core::Result<void> walk(std::string_view first, const Visit& visit) const;

  /// Puts the registration in both tables. REQUIRES: checkRegistration() has no objection; the invariant that
  /// node and device belong to each other alone is kept by the caller.
  int put(const store::Registration& registration);
  /// One half of put().
  int putTarget(const store::Registration& registration);
  /// The other half of put().
  int putDevice(const store::Registration& registration);
  /// The same for a key as encodeDeviceKey() gives it.
  int putDevice(std::string_view device, std::string_view node);
  int erase(std::string_view node, const store::DeviceKey& key);
  /// Erases a record that cannot be read, and whatever device has its node: a look at all of them.
  int eraseUnreadable(std::string_view node);
  int putServiceTime(const store::ServiceTime& time);

 private:
  MDB_txn* _transaction;
  const TableHandles& _handles;
};

}  // namespace p2::lmdb
