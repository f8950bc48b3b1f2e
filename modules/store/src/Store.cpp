#include "p2/store/Store.h"

#include "Backup.h"
#include "Changes.h"
#include "Directory.h"
#include "Environment.h"
#include "Import.h"
#include "Operations.h"
#include "PendingChanges.h"
#include "RecordCodec.h"
#include "Sweep.h"
#include "Writer.h"

#include <future>
#include <limits>
#include <system_error>
#include <utility>

namespace p2::store {

namespace {

using core::Error;
using core::Result;
using core::Target;

}  // namespace

/// What a store holds; the order of the members is the order of dependency.
class Store::Impl {
 public:
  Impl(Options options, Descriptor claim, std::unique_ptr<Environment> environment)
      : _options(std::move(options)), _claim(std::move(claim)), _environment(std::move(environment)) {}

  Environment& environment() { return *_environment; }
  const PendingChanges& pending() const { return _pending; }

  void startWriter() {
    _writer = std::make_unique<Writer>(*_environment, _options.queueCapacity, _options.maxBatch);
  }

  std::string lastFault() const { return _writer ? _writer->lastFault() : std::string(); }

  Registration::Time now() const {
    return std::chrono::floor<std::chrono::seconds>(_options.clock->wallTime());
  }

  template <class Key>
  Result<std::optional<Registration>> find(const Key& key) {
    auto transaction = _environment->read();
    if (!transaction.ok()) return Error{transaction.error()};
    return transaction.value().tables().find(key);
  }

  template <class T>
  void submit(PendingChanges::Ticket ticket, typename Operation<T>::Apply apply, Callback<T> done,
              std::size_t bytesNeeded = 0) {
    _writer->submit(
        {std::make_unique<Operation<T>>(std::move(apply), std::move(done), bytesNeeded), std::move(ticket)});
  }

  bool keepsDomain() const { return _options.keepDomain; }
  Result<ImportReport> import(std::span<const Registration> rows);
  void enrol(Enrolment asked, Callback<Registration> done);
  void sweep(Sweep sweep, Callback<Expiry> done);

  PendingChanges::Ticket pendingOf(const DeviceKey& key) { return _pending.of(key); }
  PendingChanges::Ticket pendingOfAny() { return _pending.ofAny(); }

 private:
  std::optional<Registration> settled(const Enrolment& asked);
  const Options _options;
  const Descriptor _claim;
  const std::unique_ptr<Environment> _environment;
  PendingChanges _pending;
  std::unique_ptr<Writer> _writer;  ///< None if only for reading.
};

/// The registration if it is as asked for on disk and no pending change can make that untrue.
std::optional<Registration> Store::Impl::settled(const Enrolment& asked) {
  if (_pending.mayConcern(asked.key)) return std::nullopt;
  auto found = find(asked.key);
  if (!found.ok() || !found.value() || !matches(*found.value(), asked)) return std::nullopt;
  return std::move(found).value();
}

void Store::Impl::enrol(Enrolment asked, Callback<Registration> done) {
  const auto time = now();
  auto stored = settled(asked);
  if (stored && isCurrent(*stored, asked, time, _options.renewAfter)) return done(std::move(*stored));
  auto ticket = _pending.of(asked.key);
  _writer->submit({std::make_unique<EnrolOperation>(*_environment, std::move(asked),
                                                    RegistrationRules{time, _options.renewAfter},
                                                    std::move(stored), std::move(done)),
                   std::move(ticket)});
}

void Store::Impl::sweep(Sweep scan, Callback<Expiry> done) {
  const std::uint64_t changedBefore = scan.changed;
  auto next = [this, changedBefore, done = std::move(done)](Result<Sweep> outcome) mutable {
    if (!outcome.ok()) {
      // What earlier steps did is done, whatever has become of this one.
      if (changedBefore > 0) return done(Expiry{changedBefore, true});
      return done(Error{outcome.error()});
    }
    const Sweep& reached = outcome.value();
    if (reached.finished()) return done(Expiry{reached.changed, !reached.atEnd});
    sweep(std::move(outcome).value(), std::move(done));
  };
  submit<Sweep>(
      _pending.ofAny(), [scan = std::move(scan)](Tables& tables) { return sweepSome(tables, scan); },
      std::move(next));
}

Store::Store(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  auto claim = claimForWriting(options.path);
  if (!claim.ok()) return Error{claim.error()};
  auto environment = Environment::open({options.path, false, options.initialMapSize});
  if (!environment.ok()) return Error{environment.error()};
  auto impl = std::make_unique<Impl>(options, std::move(claim).value(), std::move(environment).value());
  try {
    impl->startWriter();
  } catch (const std::system_error& exception) {
    return storeError(options.path, std::string("cannot start its writer: ") + exception.what() + ".");
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Result<std::unique_ptr<const Store>> Store::openReadOnly(const std::filesystem::path& path) {
  if (auto readable = checkForReading(path); !readable.ok()) return Error{readable.error()};
  auto environment = Environment::open({path, true, 0});
  if (!environment.ok()) return Error{environment.error()};
  Options options;
  options.path = path;
  return std::unique_ptr<const Store>(
      new Store(std::make_unique<Impl>(std::move(options), Descriptor(), std::move(environment).value())));
}

Result<std::optional<Registration>> Store::find(std::string_view node) const {
  return _impl->find(node);
}

Result<std::optional<Registration>> Store::find(const DeviceKey& key) const {
  return _impl->find(key);
}

Result<void> Store::forEach(const std::function<bool(const Registration&)>& visit) const {
  auto transaction = _impl->environment().read();
  if (!transaction.ok()) return Error{transaction.error()};
  return transaction.value().tables().walk({}, visit);
}

void Store::registerDevice(DeviceKey key, std::string domain, Target target, Callback<Registration> done) {
  auto valid = checkKey(key);
  if (valid.ok()) valid = checkContent(domain, target);
  if (!valid.ok()) return done(Error{valid.error()});
  // One that lacks it would let every domain push.
  if (domain.empty()) return done(Error{"The domain is missing."});
  if (!_impl->keepsDomain()) domain.clear();
  _impl->enrol({std::move(key), std::move(domain), std::move(target)}, std::move(done));
}

void Store::unregister(DeviceKey key, Callback<bool> done) {
  auto ticket = _impl->pendingOf(key);
  _impl->submit<bool>(
      std::move(ticket), [key = std::move(key)](Tables& tables) { return store::unregister(tables, key); },
      std::move(done));
}

void Store::removeIfHolds(std::string node, Target target, Callback<bool> done) {
  _impl->submit<bool>(
      _impl->pendingOfAny(),
      [node = std::move(node), target = std::move(target)](Tables& tables) {
        return store::removeIfHolds(tables, node, target);
      },
      std::move(done));
}

void Store::replaceTarget(std::string node, Target target, Target replacement, Callback<bool> done) {
  if (auto valid = checkTarget(replacement); !valid.ok()) return done(Error{valid.error()});
  _impl->submit<bool>(
      _impl->pendingOfAny(),
      [node = std::move(node), target = std::move(target), replacement = std::move(replacement)](
          Tables& tables) { return store::replaceTarget(tables, node, target, replacement); },
      std::move(done));
}

void Store::removeExpired(Registration::Time olderThan, std::size_t atMost, Callback<Expiry> done) {
  _impl->sweep({Sweep::Task::removeExpired, atMost, olderThan}, std::move(done));
}

void Store::dropDomains(Callback<std::uint64_t> done) {
  _impl->sweep({Sweep::Task::dropDomains, std::numeric_limits<std::uint64_t>::max()},
               [done = std::move(done)](Result<Expiry> outcome) mutable {
                 if (!outcome.ok()) return done(Error{outcome.error()});
                 if (outcome.value().more) return done(Error{"The store could be written in part only."});
                 done(outcome.value().removed);
               });
}

Result<Store::ImportReport> Store::importAll(std::span<const Registration> rows) {
  if (_impl->keepsDomain()) return _impl->import(rows);
  std::vector<Registration> without(rows.begin(), rows.end());
  for (Registration& row : without) row.domain.clear();
  return _impl->import(without);
}

Result<Store::ImportReport> Store::Impl::import(std::span<const Registration> rows) {
  std::promise<Result<ImportReport>> promise;
  auto report = promise.get_future();
  submit<ImportReport>(
      _pending.ofAny(), [rows](Tables& tables) { return importRows(tables, rows); },
      [&promise](Result<ImportReport> outcome) { promise.set_value(std::move(outcome)); },
      importedBytes(rows));
  return report.get();
}

Result<void> Store::backup(const std::filesystem::path& directory) const {
  return backupInto(_impl->environment(), directory);
}

Store::Statistics Store::statistics() const {
  Statistics statistics;
  statistics.pendingChanges = _impl->pending().count();
  auto transaction = _impl->environment().read();
  if (!transaction.ok()) return statistics;
  const auto size = transaction.value().size();
  statistics.registrations = transaction.value().tables().size();
  statistics.mapBytes = size.mapBytes;
  statistics.usedBytes = size.usedBytes;
  return statistics;
}

std::string Store::lastFault() const {
  return _impl->lastFault();
}

}  // namespace p2::store
