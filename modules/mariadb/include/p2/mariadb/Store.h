#pragma once

#include "p2/core/Result.h"
#include "p2/mariadb/Options.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationStore.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace p2::mariadb {

/// The registrations in a table of MariaDB, alone or as a Galera cluster (modules/mariadb/README.md), which
/// any number of p2 may use at a time. Look-ups that wait are asked together, by as many threads as there
/// are connections; what is not found is asked again where it must be known. One thread writes all changes
/// that wait in one transaction and calls back after its commit. While no host can serve, all is answered
/// with errors at once. Thread-safe.
class Store final : public store::RegistrationStore {
 public:
  /// Connects, looks at the tables and starts the threads. Errors, each in an operator's words: no host can
  /// be reached or serves, the user may not, there is no such database, the tables are missing or do not fit.
  /// Blocks, for each host up to the timeout.
  static core::Result<std::unique_ptr<Store>> open(const Options& options);
  /// Makes the tables where they are missing. Errors as of open(). Blocks.
  static core::Result<void> createTables(const Options& options);

  /// Writes what is queued if the database lets it, answers all, and joins the threads.
  ~Store() override;

  // Of Registrations. Everything but impossible values and full queues is answered by the store's threads.
  void lookUp(std::string node, Callback<Found> done) const override;
  void lookUp(const store::DeviceKey& key, Callback<Found> done) const override;
  void registerDevice(store::DeviceKey key, std::string domain, core::Target target,
                      Callback<store::Registration> done) override;
  void unregister(store::DeviceKey key, std::string domain, Callback<bool> done) override;
  /// Goes before what phones have queued, as all that is asked of a node.
  void removeIfHolds(std::string node, core::Target target, Callback<store::Removal> done) override;
  void replaceTarget(std::string node, core::Target target, core::Target replacement,
                     Callback<bool> done) override;
  /// As the last change or miss has found it, of this p2.
  bool holdsAny() const override;
  std::string lastFault() const override;

  // Of RegistrationArchive.
  core::Result<void> forEach(const std::function<bool(const store::Registration&)>& visit,
                             const std::function<void(std::string_view node, const std::string& why)>&
                                 onUnreadable = nullptr) const override;
  /// The source is called in the calling thread. An error, too, if another p2 changes a row's registration
  /// in the same moment.
  core::Result<ImportReport> importRows(store::ImportSource& source) override;
  void removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) override;
  void dropDomains(Callback<Swept> done) override;
  void setServing(bool serving) override;
  /// Of several p2 the last one counts.
  void saveServiceTime(Callback<void> done) override;

  // Of RegistrationStore.
  void forget(std::string node, Callback<bool> done) override;
  /// Counts the rows: a database takes its time for millions. Nothing bounds what it may take.
  Statistics statistics() const override;

 private:
  class Impl;

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::mariadb
