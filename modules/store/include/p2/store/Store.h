#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace p2::store {

/// What became of a registration that was to go if it still held a target.
enum class Removal {
  removed,
  holdsOther,  ///< Its phone has registered anew: it stays.
  absent,      ///< There is none.
};

/// The registrations, on disk in LMDB (the format is in modules/store/README.md). Reads run in the calling
/// thread, in read transactions that never wait for a commit (only, for a moment, while the map grows).
/// Changes are queued for one writer thread, which makes many at a time durable with one commit and only then
/// calls back. One process at a time may open it for writing; others may read. Thread-safe.
class Store {
 public:
  struct Options {
    /// The directory that holds the database; it is created (mode 0700) if its parent exists.
    std::filesystem::path path;
    /// Changes that may wait for the writer. Each domain takes its turn; when there are more, the newest of
    /// the domain that has most waiting is refused. Without domains (`keepDomain`) the first come is the
    /// first served.
    std::size_t queueCapacity = 10000;
    /// Changes made durable by one commit at most.
    std::size_t maxBatch = 256;
    /// A registration renewed with the same target is written again only if it was last registered longer
    /// ago.
    std::chrono::hours renewAfter{24};
    /// `store.keepDomain`: whether a registration is stored with its domain. If not, what is registered or
    /// imported loses it; dropDomains() drops it from what is there.
    bool keepDomain = true;
    /// First size of the memory map in bytes; it doubles by itself whenever it is full. The file has that
    /// length too, but takes only the disk space that is used.
    std::size_t initialMapSize = std::size_t{16} << 20U;
    /// Gives created and lastRegistered their time. Must outlive the store.
    const core::Clock* clock = &core::systemClock();
  };

  struct Statistics {
    std::uint64_t registrations = 0;
    std::uint64_t mapBytes = 0;
    std::uint64_t usedBytes = 0;       ///< Pages that hold something or did once: what a copy would take.
    std::uint64_t pendingChanges = 0;  ///< Queued or being committed.
  };

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

  /// Called exactly once, in the writer's thread unless said otherwise. Must neither block nor throw; may
  /// call the store.
  template <class T>
  using Callback = core::UniqueFunction<void(core::Result<T>)>;

  /// Opens the store for reading and writing and starts the writer. Errors, each in an operator's words: the
  /// directory is missing or not writable, belongs to another user, is in use by another p2, was written by a
  /// newer format, is damaged.
  static core::Result<std::unique_ptr<Store>> open(const Options& options);
  /// Opens the store for reading, beside a daemon or without one. REQUIRES: this process has not opened it
  /// already (that is an error). Needs read access to the directory and write access to its lock file.
  static core::Result<std::unique_ptr<const Store>> openReadOnly(const std::filesystem::path& path);
  /// Whether some process, a daemon for example, has the store at `path` open for writing. False also where
  /// there is none, or this process may not look.
  static bool isInUse(const std::filesystem::path& path);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  /// Makes durable what is queued, calls back, and joins the writer.
  ~Store();

  /// The registration with this node, if there is one. An error only if the database cannot be read.
  core::Result<std::optional<Registration>> find(std::string_view node) const;
  /// The registration of this device and channel, if there is one.
  core::Result<std::optional<Registration>> find(const DeviceKey& key) const;
  /// Calls `visit` for each registration, in the order of their nodes, until it gives false. No transaction
  /// is open meanwhile, so it may take its time: what changes before it is reached is seen as it is then.
  /// `onUnreadable` is called with the node of each record that cannot be read, and why; those are passed
  /// over.
  core::Result<void> forEach(
      const std::function<bool(const Registration&)>& visit,
      const std::function<void(std::string_view node, const std::string& why)>& onUnreadable = nullptr) const;

  /// Finds or creates the registration of `key` and gives it `domain` and `target`. Node and secret of a
  /// known key stay the same. Calls back after the commit is on disk; or at once, in the calling thread, if
  /// nothing needs to be written, a value is impossible or the queue is full (errors). A failed commit is an
  /// error only if it leaves the registration different from what was asked: one that merely could not be
  /// given its new time of registration is on disk as it should be.
  void registerDevice(DeviceKey key, std::string domain, core::Target target, Callback<Registration> done);
  /// Removes the registration of `key`; gives whether there was one. If the queue is full: as above.
  /// `domain`: the account's, as for registerDevice(), so that the two stay in order.
  void unregister(DeviceKey key, std::string domain, Callback<bool> done);
  /// Removes what is stored under `node`, even if it cannot be read; gives whether there was anything. If the
  /// queue is full: as above.
  void forget(std::string node, Callback<bool> done);
  /// Removes the registration of `node` if it still holds `target`. If the queue is full: as above.
  void removeIfHolds(std::string node, core::Target target, Callback<Removal> done);
  /// Puts `replacement` in the place of `target` if the registration of `node` still holds it; gives whether
  /// it did. If a value is impossible or the queue is full: as above.
  void replaceTarget(std::string node, core::Target target, core::Target replacement, Callback<bool> done);
  /// Tells the store whether phones can reach p2 from now on: only that time lets registrations expire. Does
  /// not block.
  void setServing(bool serving);
  /// Stores how long phones could reach p2. To be called every few minutes and before the end: what is not
  /// stored does not count. A registration that is dated by a clock which has just jumped has it stored, too.
  void saveServiceTime(Callback<void> done);
  /// Removes up to `atMost` registrations that were not renewed for `unrenewedFor`: neither by the civil
  /// clock nor in so much time in which phones could reach p2, as setServing() has told it since this store
  /// exists. A clock that is wrong for a while, in either direction, removes nobody. In small transactions
  /// with the other changes between them. If the queue is full: as above.
  void removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done);

  /// Drops the domain from every registration that has one, in small transactions with the other changes
  /// between them. What a compact copy would not hold either may stay in the file's free pages until they are
  /// used again. If the queue is full: as above.
  void dropDomains(Callback<Swept> done);

  /// Imports the rows of a source with the nodes and secrets given, in bounded memory: all that can be taken,
  /// if the source confirms it at the end, or none. A row for a registration that is there (same node, same
  /// device) replaces it unless that was registered later. Two devices for one node, or two nodes for one
  /// device, is a fault of the later row. An error if the rows cannot be written, the source fails, or
  /// another process goes on reading the store; nothing is imported then. Takes some three times the room of
  /// the resulting store on the disk. Blocks until it is on disk, and the other changes with it: for a
  /// command that has the store to itself. Not to be called from a callback.
  core::Result<ImportReport> importRows(ImportSource& source);

  /// Writes a compact copy of the store as it is now into `directory`, which is created if its parent exists
  /// and must not hold a store. The copy can be used as `path`. Blocks; changes go on meanwhile, but cannot
  /// grow the map of this process.
  core::Result<void> backup(const std::filesystem::path& directory) const;

  /// Zeros if the database cannot be read.
  Statistics statistics() const;
  /// Why the last attempt to write failed; empty if it did not. Does not block.
  std::string lastFault() const;

 private:
  class Impl;

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::store
