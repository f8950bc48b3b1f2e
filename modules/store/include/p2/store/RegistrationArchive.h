#pragma once

#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace p2::store {

/// All registrations at once: what commands and expiry need. Thread-safe.
class RegistrationArchive {
 public:
  template <class T>
  using Callback = Registrations::Callback<T>;

  /// What a walk over all registrations has changed.
  struct Swept {
    std::uint64_t changed = 0;
    std::uint64_t unreadable = 0;  ///< Records that could not be read: they were left as they are.
    bool more = false;             ///< Stopped before the end of the store was reached.
  };

  struct ImportReport {
    std::uint64_t added = 0;
    std::uint64_t updated = 0;
    std::uint64_t unchanged = 0;  ///< But for its dates, perhaps: a later one is taken over.
    bool imported = false;        ///< Whether the source has confirmed the import: else nothing has changed.
    bool durable = true;          ///< False if the disk has not confirmed an import that is in place.
  };

  RegistrationArchive() = default;
  RegistrationArchive(const RegistrationArchive&) = delete;
  RegistrationArchive& operator=(const RegistrationArchive&) = delete;
  virtual ~RegistrationArchive() = default;

  /// Visits every registration, in the order of the nodes, until `visit` gives false. No transaction is open
  /// meanwhile, so it may take its time: what changes before it is reached is seen as it is then.
  /// `onUnreadable` is called with the node of each record that cannot be read, and why; those are passed
  /// over. Blocks.
  virtual core::Result<void> forEach(const std::function<bool(const Registration&)>& visit,
                                     const std::function<void(std::string_view node, const std::string& why)>&
                                         onUnreadable = nullptr) const = 0;

  /// Imports the rows of a source with the nodes and secrets given, in bounded memory: all that can be taken,
  /// if the source confirms it at the end, or none. A row for a registration that is there (same node, same
  /// device) replaces it unless that was registered later. Two devices for one node, or two nodes for one
  /// device, is a fault of the later row. An error if the rows cannot be written or the source fails; nothing
  /// is imported then. Blocks until it is durable.
  virtual core::Result<ImportReport> importRows(ImportSource& source) = 0;

  /// Removes up to `atMost` registrations that were not renewed for `unrenewedFor`: neither by the civil
  /// clock nor in so much time in which phones could reach p2, as setServing() has told it since this store
  /// exists. A clock that is wrong for a while, in either direction, removes nobody. In small transactions
  /// with the other changes between them.
  virtual void removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) = 0;

  /// Drops the domain from every registration that has one, in small transactions with the other changes
  /// between them.
  virtual void dropDomains(Callback<Swept> done) = 0;

  /// Tells whether phones can reach p2 from now on: only that time lets registrations expire. Does not block.
  virtual void setServing(bool serving) = 0;
  /// Stores how long phones could reach p2. To be called every few minutes and before the end: what is not
  /// stored does not count.
  virtual void saveServiceTime(Callback<void> done) = 0;
};

}  // namespace p2::store
