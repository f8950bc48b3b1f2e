#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/Registration.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace p2::store {

/// The registrations, on disk in LMDB (the format is in modules/store/README.md). Reads run in the calling
/// thread, in read transactions that never wait for the writer. Changes are queued for one writer thread,
/// which makes many at a time durable with one commit and only then calls back. One process at a time may
/// open it for writing; others may read. Thread-safe.
class Store {
 public:
  struct Options {
    /// The directory that holds the database; it is created (mode 0700) if its parent exists.
    std::filesystem::path path;
    /// Changes that may wait for the writer; more are refused at once.
    std::size_t queueCapacity = 10000;
    /// Changes made durable by one commit at most.
    std::size_t maxBatch = 256;
    /// A registration renewed with the same target is written again only if it was last registered longer
    /// ago.
    std::chrono::hours renewAfter{24};
    /// First size of the memory map in bytes; it doubles by itself whenever it is full.
    std::size_t initialMapSize = std::size_t{16} << 20U;
    /// Gives created and lastRegistered their time. Must outlive the store.
    const core::Clock* clock = &core::systemClock();
  };

  struct Statistics {
    std::uint64_t registrations = 0;
    std::uint64_t mapBytes = 0;
    std::uint64_t usedBytes = 0;
    std::uint64_t pendingChanges = 0;
  };

  /// Called once, in the writer's thread unless said otherwise. Must not block.
  template <class T>
  using Callback = core::UniqueFunction<void(core::Result<T>)>;

  /// Opens the store for reading and writing and starts the writer. Errors, each in an operator's words: the
  /// directory is missing or not writable, belongs to another user, is in use by another p2, was written by a
  /// newer format, is damaged.
  static core::Result<std::unique_ptr<Store>> open(const Options& options);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  /// Makes durable what is queued, calls back, and joins the writer.
  ~Store();

  /// The registration with this node, if there is one. An error only if the database cannot be read.
  core::Result<std::optional<Registration>> find(std::string_view node) const;
  /// The registration of this device and channel, if there is one.
  core::Result<std::optional<Registration>> find(const DeviceKey& key) const;
  /// Calls `visit` for each registration, in the order of their nodes, within one snapshot, until it gives
  /// false. The database cannot reuse pages that are freed meanwhile: do not dawdle.
  core::Result<void> forEach(const std::function<bool(const Registration&)>& visit) const;

  /// Finds or creates the registration of `key` and gives it `domain` and `target`. Node and secret of a
  /// known key stay the same. Calls back after the commit is on disk; or at once, in the calling thread, if
  /// nothing needs to be written or the queue is full (an error).
  void registerDevice(DeviceKey key, std::string domain, core::Target target, Callback<Registration> done);
  /// Removes the registration of `key`; gives whether there was one.
  void unregister(DeviceKey key, Callback<bool> done);
  /// Removes the registration of `node` if it still holds `target`; gives whether it did.
  void removeIfHolds(std::string node, core::Target target, Callback<bool> done);
  /// Puts `replacement` in the place of `target` if the registration of `node` still holds it; gives whether
  /// it did.
  void replaceTarget(std::string node, core::Target target, core::Target replacement, Callback<bool> done);

  Statistics statistics() const;

 private:
  class Impl;

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::store
