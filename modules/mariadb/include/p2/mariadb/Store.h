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
/// are connections; what is not found is asked again where it must be known. What is found is kept for some
/// seconds. One thread writes all changes that wait in one transaction and calls back after its commit. While
/// no host can serve, all is answered with errors at once. Thread-safe.
class Store final : public store::RegistrationStore {
 public:
  /// Connects, makes the tables where there are none, and starts the threads. Errors, each in an operator's
  /// words: no host can be reached or serves, the user may not, there is no such database, the tables do not
  /// fit. Blocks, for each host up to the timeout.
  static core::Result<std::unique_ptr<Store>> open(const Options& options);
  /// The same for a daemon, which may start before its database: while no host can be reached or serve, that
  /// is no error, and the store answers with errors until one does. Throws std::system_error if the system
  /// refuses a thread.
  static core::Result<std::unique_ptr<Store>> start(const Options& options);
  /// The same for who only reads: no table is made, and that there is none is an error. If no host takes
  /// writes, one that is read-only will do, such as a replica, which may be behind.
  static core::Result<std::unique_ptr<const Store>> openReadOnly(const Options& options);

  /// Writes what is queued if the database lets it, answers all, and joins the threads.
  ~Store() override;

  // Of Registrations. Everything but impossible values, full queues and what is kept is answered by the
  // store's threads.
  void lookUp(std::string node, const std::string& domain, Callback<Found> done) const override;
  void lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const override;
  void lookUpRecent(std::string node, const std::string& domain, Callback<Recent> done) const override;
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
  /// The rows as they were counted up to Options::countEvery ago; the first time it waits until they are.
  Statistics statistics() const override;
  store::Whereabouts whereabouts() const override;

 private:
  class Impl;

  enum class Use { commands, daemon, reading, readingReplicas };

  explicit Store(std::unique_ptr<Impl> impl);

  static core::Result<std::unique_ptr<Store>> openFor(Use use, const Options& options);

  std::unique_ptr<Impl> _impl;
};

}  // namespace p2::mariadb
