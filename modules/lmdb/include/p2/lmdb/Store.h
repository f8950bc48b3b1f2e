#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationStore.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace p2::lmdb {

/// The registrations, on disk in LMDB (the format is in modules/lmdb/README.md). Reads are transactions that
/// never wait for a commit. What is not in memory is looked up in another thread than the caller's, and so is
/// all while the map grows, for which nobody may read.
/// Changes are queued for one writer thread, which makes many at a time durable with one commit and only then
/// calls back, in the writer's thread. One process at a time may open it for writing; others may read.
/// Thread-safe.
class Store final : public store::RegistrationStore {
 public:
  struct Options {
    /// The directory that holds the database; it is created (mode 0700) if its parent exists.
    std::filesystem::path path;
    /// Changes that may wait for the writer, and look-ups by node, and those of devices, that may wait for
    /// the disk. Each registrable domain takes its turn; when there are more, the newest of the one that has
    /// most waiting is refused.
    std::size_t queueCapacity = 10000;
    /// Changes made durable by one commit at most.
    std::size_t maxBatch = 256;
    /// A registration renewed with the same target is written again only if it was last registered longer
    /// ago.
    std::chrono::hours renewAfter{24};
    /// `store.keepDomain`: whether a registration is stored with its domain. If not, what is registered or
    /// imported loses it; dropDomains() drops it from what is there.
    bool keepDomain = true;
    /// Whether a store that was made by opening it is removed when it is closed and holds no registration.
    bool removeIfUnused = false;
    /// First size of the memory map in bytes; it doubles by itself whenever it is full. The file has that
    /// length too, but takes only the disk space that is used.
    std::size_t initialMapSize = std::size_t{16} << 20U;
    /// Gives created and lastRegistered their time. Must outlive the store.
    const core::Clock* clock = &core::systemClock();
  };

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

  /// Makes durable what is queued, refuses what waits for a look-up, calls back, and joins the writer.
  ~Store() override;

  /// The registration with this node, if there is one. An error only if the database cannot be read. Waits
  /// for the disk, and while the map grows.
  core::Result<std::optional<store::Registration>> find(std::string_view node) const;
  /// The registration of this device and channel, if there is one.
  core::Result<std::optional<store::Registration>> find(const store::DeviceKey& key) const;

  // Of Registrations. A look-up is answered at once, or in another thread if it would wait; so is that which
  // precedes a change of what a node names. A failed commit of a registration that merely could not be given
  // its new time is no error: it is on disk as it should be. If the queue is full, errors are given at once.
  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override;
  void lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const override;
  void registerDevice(store::DeviceKey key, std::string domain, core::Target target,
                      Callback<store::Registration> done) override;
  void unregister(store::DeviceKey key, std::string domain, Callback<bool> done) override;
  void removeIfHolds(std::string node, core::Target target, Callback<store::Removal> done) override;
  void replaceTarget(std::string node, core::Target target, core::Target replacement,
                     Callback<bool> done) override;
  bool holdsAny() const override;
  std::string lastFault() const override;

  // Of RegistrationArchive.
  core::Result<void> forEach(const std::function<bool(const store::Registration&)>& visit,
                             const std::function<void(std::string_view node, const std::string& why)>&
                                 onUnreadable = nullptr) const override;
  /// Another process that goes on reading the store is an error, too. Takes some three times the room of the
  /// resulting store on the disk. The other changes are made durable with it: for a command that has the
  /// store to itself. Not to be called from a callback.
  core::Result<ImportReport> importRows(store::ImportSource& source) override;
  void removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) override;
  /// What a compact copy would not hold either may stay in the file's free pages until they are used again.
  void dropDomains(Callback<Swept> done) override;
  void setServing(bool serving) override;
  /// A registration that is dated by a clock which has just jumped has it stored, too.
  void saveServiceTime(Callback<void> done) override;

  // Of RegistrationStore.
  void forget(std::string node, Callback<bool> done) override;
  /// As of the last commit, without waiting; of a store that is open for reading, as it is on the disk now.
  Statistics statistics() const override;
  store::Whereabouts whereabouts() const override;

  /// Writes a compact copy of the store as it is now into `directory`, which is created if its parent exists
  /// and must not hold a store. The copy can be used as `path`. Blocks; changes go on meanwhile, but cannot
  /// grow the map of this process.
  core::Result<void> backup(const std::filesystem::path& directory) const;

 private:
  class Impl;

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::lmdb
