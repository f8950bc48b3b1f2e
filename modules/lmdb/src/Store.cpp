#include "p2/lmdb/Store.h"

#include "Backup.h"
#include "Changes.h"
#include "Directory.h"
#include "Environment.h"
#include "Import.h"
#include "Lookups.h"
#include "Operations.h"
#include "RecordCodec.h"
#include "Residency.h"
#include "Staging.h"
#include "Sweep.h"
#include "Writer.h"
#include "p2/store/PendingChanges.h"
#include "p2/store/RegistrableDomain.h"
#include "p2/store/ServiceMeter.h"
#include "p2/store/Validity.h"

#include <exception>
#include <future>
#include <limits>
#include <system_error>
#include <utility>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;
using core::Target;

// Some megabytes at most, and a few milliseconds in a transaction.
constexpr std::size_t kPiece = 1000;

/// Part of a walk: what was read in one transaction.
struct Piece {
  std::vector<std::pair<std::string, Stored>> entries;
  std::string next;  ///< Where the next one begins; empty if this is the last.
};

/// What was made by opening a store; removed at the end, if it is not needed.
class Made {
 public:
  Made(std::filesystem::path directory, Presence before)
      : _directory(std::move(directory)), _before(before) {}
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    if (_unneeded) removeStore(_directory, _before);
  }

  bool isNew() const { return _before != Presence::store; }
  void dismiss() { _unneeded = true; }

 private:
  const std::filesystem::path _directory;
  const Presence _before;
  bool _unneeded = false;
};

}  // namespace

/// What a store holds; the order of the members is the order of dependency.
class Store::Impl {
 public:
  Impl(Options options, Descriptor claim, std::unique_ptr<Environment> environment,
       Presence before = Presence::store)
      : _options(std::move(options)),
        _claim(std::move(claim)),
        _made(_options.path, before),
        _environment(std::move(environment)),
        _meter(*_options.clock, storedServiceTime()) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  /// The writer is there until the look-ups call nobody back any more, who may ask it for something; and what
  /// it calls back may ask for a look-up, which is refused.
  ~Impl() {
    if (_lookups) _lookups->stop();
  }

  const std::filesystem::path& path() const { return _options.path; }
  Environment& environment() { return *_environment; }
  const store::PendingChanges& pending() const { return _pending; }

  void startThreads() {
    _residency = std::make_unique<Residency>(_options.path / kDataFile,
                                             [this] { return _environment->lastSize().usedBytes; });
    _lookups = std::make_unique<Lookups>(
        *_options.clock, *_residency, _options.queueCapacity, [this](const Lookups::Name& name) {
          return std::visit([this](const auto& known) { return find(known); }, name);
        });
    _writer = std::make_unique<Writer>(*_environment, _options.queueCapacity, _options.maxBatch);
  }

  /// At once, or in another thread if that waits.
  template <class Key>
  void lookUp(const Key& key, const std::string& domain, Callback<Found> done) {
    if (auto found = findAtOnce(key)) return done(std::move(*found));
    _lookups->ask(key, store::flowOf(domain), std::move(done));
  }

  std::string lastFault() const { return _writer ? _writer->lastFault() : std::string(); }

  template <class Key>
  Result<std::optional<store::Registration>> find(const Key& key) {
    auto transaction = _environment->read();
    if (!transaction.ok()) return Error{transaction.error()};
    return transaction.value().tables().find(key);
  }

  template <class T>
  void submit(store::PendingChanges::Ticket ticket, typename Operation<T>::Apply apply, Callback<T> done,
              std::size_t bytesNeeded = 0, std::string flow = {}) {
    _writer->submit({std::make_unique<Operation<T>>(std::move(apply), std::move(done), bytesNeeded),
                     std::move(ticket), std::move(flow)});
  }

  /// A change of what stands under a node. It takes the turn of its domain, so that it stays in order with
  /// what its phone asks for. If that is not stored, p2's own, which may overtake that: it harms neither.
  template <class T>
  void submitFor(const std::string& node, typename Operation<T>::Apply apply, Callback<T> done) {
    lookUp(node, {},
           [this, ticket = _pending.ofAny(), apply = std::move(apply),
            done = std::move(done)](Result<Found> found) mutable {
             if (!found.ok() && !found.isDamaged()) {
               { const store::PendingChanges::Ticket over = std::move(ticket); }
               return done(Error{found.error()});
             }
             std::string flow =
                 found.ok() && found.value() ? store::flowOf(found.value()->domain) : std::string();
             submit<T>(std::move(ticket), std::move(apply), std::move(done), 0, std::move(flow));
           });
  }

  Environment::Size size() const;
  Result<Piece> piece(const std::string& first);
  bool keepsDomain() const { return _options.keepDomain; }
  Result<ImportReport> import(store::ImportSource& source);
  void enrol(store::Enrolment asked, std::string flow, Callback<store::Registration> done);
  void sweep(Sweep sweep, Callback<Swept> done);
  void saveServiceTime(Callback<void> done);
  store::ServiceMeter& meter() { return _meter; }

  store::PendingChanges::Ticket pendingOf(const store::DeviceKey& key) { return _pending.of(key); }

 private:
  /// Looks, at the end, whether the store has come to hold anything.
  struct Judge {
    Impl& impl;
    ~Judge() { impl.judgeUse(); }
  };
  void judgeUse();
  /// Nothing if that waits, and the calling thread may not. Commands that only read have one thread, which
  /// may.
  template <class Key>
  std::optional<Result<Found>> findAtOnce(const Key& key) {
    if (!_lookups || Lookups::mayWaitHere()) return find(key);
    if (!_lookups->atOnce(key)) return std::nullopt;
    auto transaction = _environment->readWithoutWaiting();
    if (!transaction) return std::nullopt;
    return transaction->tables().find(key);
  }
  std::optional<store::Registration> settled(const store::Enrolment& asked);
  store::ServiceTime storedServiceTime() const;

  const Options _options;
  const Descriptor _claim;
  Made _made;
  const std::unique_ptr<Environment> _environment;
  store::ServiceMeter _meter;
  store::PendingChanges _pending;
  const Judge _judge{*this};  ///< When the writer has done all, and before the files are closed.
  // None of these if only for reading.
  std::unique_ptr<Residency> _residency;
  std::unique_ptr<Lookups> _lookups;
  std::unique_ptr<Writer> _writer;
};

/// What cannot be read counts as used.
void Store::Impl::judgeUse() {
  if (!_options.removeIfUnused || !_made.isNew()) return;
  auto transaction = _environment->read();
  if (transaction.ok() && transaction.value().tables().size() == 0) _made.dismiss();
}

/// Without waiting if this process writes: no other does then. Zeros if it cannot be read.
Environment::Size Store::Impl::size() const {
  if (_writer) return _environment->lastSize();
  auto transaction = _environment->read();
  return transaction.ok() ? transaction.value().size() : Environment::Size();
}

Result<Piece> Store::Impl::piece(const std::string& first) {
  auto transaction = _environment->read();
  if (!transaction.ok()) return Error{transaction.error()};
  Piece piece;
  const auto walked = transaction.value().tables().walk(first, [&](std::string_view node, Stored&& stored) {
    if (piece.entries.size() == kPiece) {
      piece.next = node;
      return false;
    }
    piece.entries.emplace_back(node, std::move(stored));
    return true;
  });
  if (!walked.ok()) return Error{walked.error()};
  return piece;
}

/// The registration if it is as asked for on disk and no pending change can make that untrue, as far as that
/// can be told without waiting.
std::optional<store::Registration> Store::Impl::settled(const store::Enrolment& asked) {
  if (_pending.mayConcern(asked.key)) return std::nullopt;
  auto found = findAtOnce(asked.key);
  if (!found || !found->ok() || !found->value()) return std::nullopt;
  if (!store::matches(*found->value(), asked)) return std::nullopt;
  return std::move(*found).value();
}

void Store::Impl::enrol(store::Enrolment asked, std::string flow, Callback<store::Registration> done) {
  const auto time = _meter.date();
  // A date that nobody could place after the next start would let the registration look old; one that it
  // keeps, as the clock is behind, too.
  if (_meter.hasNews()) saveServiceTime([](const Result<void>&) {});
  auto stored = settled(asked);
  if (stored && store::isCurrent(*stored, asked, time, _options.renewAfter)) return done(std::move(*stored));
  auto ticket = _pending.of(asked.key);
  _writer->submit({std::make_unique<EnrolOperation>(*_environment, std::move(asked),
                                                    RegistrationRules{time, _options.renewAfter},
                                                    std::move(stored), std::move(done)),
                   std::move(ticket), std::move(flow)});
}

/// If it cannot be read, no registration expires before its time has passed once more.
store::ServiceTime Store::Impl::storedServiceTime() const {
  auto transaction = _environment->read();
  if (!transaction.ok()) return {};
  auto stored = transaction.value().tables().serviceTime();
  return stored.ok() ? std::move(stored).value() : store::ServiceTime();
}

void Store::Impl::saveServiceTime(Callback<void> done) {
  submit<void>(
      _pending.ofNone(),
      [time = _meter.toStore()](Tables& tables) -> Applied<void> {
        return {tables.putServiceTime(time), Result<void>()};
      },
      std::move(done));
}

void Store::Impl::sweep(Sweep scan, Callback<Swept> done) {
  const std::uint64_t changedBefore = scan.changed;
  auto next = [this, changedBefore, done = std::move(done)](Result<Sweep> outcome) mutable {
    if (!outcome.ok()) {
      // What earlier steps did is done, whatever has become of this one.
      if (changedBefore > 0) return done(Swept{changedBefore, 0, true});
      return done(Error{outcome.error()});
    }
    const Sweep& reached = outcome.value();
    if (reached.finished()) return done(Swept{reached.changed, reached.unreadable, !reached.atEnd});
    sweep(std::move(outcome).value(), std::move(done));
  };
  submit<Sweep>(
      _pending.ofAny(), [scan = std::move(scan)](Tables& tables) { return sweepSome(tables, scan); },
      std::move(next));
}

Store::Store(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  const auto before = presenceOf(options.path);
  auto claim = claimForWriting(options.path);
  if (!claim.ok()) return Error{claim.error()};
  Staging::removeLeftOver(options.path);
  Environment::Options place;
  place.directory = options.path;
  place.initialMapSize = options.initialMapSize;
  auto environment = Environment::open(place);
  if (!environment.ok()) return Error{environment.error()};
  auto impl =
      std::make_unique<Impl>(options, std::move(claim).value(), std::move(environment).value(), before);
  try {
    impl->startThreads();
  } catch (const std::system_error& exception) {
    return storeError(options.path, std::string("cannot start its threads: ") + exception.what() + ".");
  }
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

bool Store::isInUse(const std::filesystem::path& path) {
  return isClaimed(path);
}

Result<std::unique_ptr<const Store>> Store::openReadOnly(const std::filesystem::path& path) {
  if (auto readable = checkForReading(path); !readable.ok()) return Error{readable.error()};
  auto entered = enterAsReader(path);
  if (!entered.ok()) return Error{entered.error()};
  Environment::Options place;
  place.directory = path;
  place.readOnly = true;
  place.initialMapSize = 0;
  auto environment = Environment::open(place);
  if (!environment.ok()) return Error{environment.error()};
  Options options;
  options.path = path;
  return std::unique_ptr<const Store>(new Store(std::make_unique<Impl>(
      std::move(options), std::move(entered).value(), std::move(environment).value())));
}

Result<std::optional<store::Registration>> Store::find(std::string_view node) const {
  return _impl->find(node);
}

Result<std::optional<store::Registration>> Store::find(const store::DeviceKey& key) const {
  return _impl->find(key);
}

void Store::lookUp(std::string node, const std::string& domain, Callback<Found> done) const {
  _impl->lookUp(node, domain, std::move(done));
}

void Store::lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const {
  _impl->lookUp(key, domain, std::move(done));
}

bool Store::holdsAny() const {
  return statistics().registrations > 0;
}

Result<void> Store::forEach(
    const std::function<bool(const store::Registration&)>& visit,
    const std::function<void(std::string_view, const std::string&)>& onUnreadable) const {
  Piece piece;
  do {
    auto next = _impl->piece(piece.next);
    if (!next.ok()) return Error{next.error()};
    piece = std::move(next).value();
    for (const auto& [node, stored] : piece.entries) {
      if (const auto* unreadable = std::get_if<Unreadable>(&stored)) {
        if (onUnreadable) onUnreadable(node, unreadable->why);
      } else if (!visit(std::get<store::Registration>(stored))) {
        return {};
      }
    }
  } while (!piece.next.empty());
  return {};
}

void Store::registerDevice(store::DeviceKey key, std::string domain, Target target,
                           Callback<store::Registration> done) {
  if (const auto valid = store::checkEnrolment(key, domain, target); !valid.ok()) {
    return done(Error{valid.error()});
  }
  std::string flow = store::flowOf(domain);
  if (!_impl->keepsDomain()) domain.clear();
  _impl->enrol({std::move(key), std::move(domain), std::move(target)}, std::move(flow), std::move(done));
}

void Store::unregister(store::DeviceKey key, std::string domain, Callback<bool> done) {
  auto ticket = _impl->pendingOf(key);
  _impl->submit<bool>(
      std::move(ticket), [key = std::move(key)](Tables& tables) { return lmdb::unregister(tables, key); },
      std::move(done), 0, store::flowOf(domain));
}

void Store::forget(std::string node, Callback<bool> done) {
  _impl->submitFor<bool>(
      node, [node](Tables& tables) { return lmdb::forget(tables, node); }, std::move(done));
}

void Store::removeIfHolds(std::string node, Target target, Callback<store::Removal> done) {
  _impl->submitFor<store::Removal>(
      node,
      [node, target = std::move(target)](Tables& tables) {
        return lmdb::removeIfHolds(tables, node, target);
      },
      std::move(done));
}

void Store::replaceTarget(std::string node, Target target, Target replacement, Callback<bool> done) {
  if (auto valid = store::checkTarget(replacement); !valid.ok()) return done(Error{valid.error()});
  _impl->submitFor<bool>(
      node,
      [node, target = std::move(target), replacement = std::move(replacement)](Tables& tables) {
        return lmdb::replaceTarget(tables, node, target, replacement);
      },
      std::move(done));
}

void Store::setServing(bool serving) {
  _impl->meter().setServing(serving);
}

void Store::saveServiceTime(Callback<void> done) {
  _impl->saveServiceTime(std::move(done));
}

void Store::removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) {
  auto& meter = _impl->meter();
  const auto now = meter.date();
  _impl->sweep({Sweep::Task::removeOverdue, atMost, {now, unrenewedFor, meter.look()}}, std::move(done));
}

void Store::dropDomains(Callback<Swept> done) {
  _impl->sweep({Sweep::Task::dropDomains, std::numeric_limits<std::uint64_t>::max()},
               [done = std::move(done)](Result<Swept> outcome) mutable {
                 if (outcome.ok() && outcome.value().more) {
                   return done(Error{"The store could be written in part only."});
                 }
                 done(std::move(outcome));
               });
}

Result<Store::ImportReport> Store::importRows(store::ImportSource& source) {
  return _impl->import(source);
}

/// Runs in the writer's thread, where nothing else is changed meanwhile.
Result<Store::ImportReport> Store::Impl::import(store::ImportSource& source) {
  std::promise<Result<ImportReport>> promise;
  auto report = promise.get_future();
  const auto attempt = [&]() -> Result<ImportReport> {
    try {
      return lmdb::importRows(*_environment, source, _options.keepDomain);
    } catch (const std::exception& exception) {
      return storeError(_options.path, std::string("cannot be imported into: ") + exception.what() + ".");
    }
  };
  submit<void>(
      _pending.ofAny(),
      [](Tables&) -> Applied<void> {
        return {0, Result<void>()};
      },
      [&attempt, &promise](const Result<void>& turn) {
        promise.set_value(turn.ok() ? attempt() : Result<ImportReport>(Error{turn.error()}));
      });
  auto outcome = report.get();
  if (outcome.ok() && outcome.value().imported) _meter.renewAll();
  return outcome;
}

Result<void> Store::backup(const std::filesystem::path& directory) const {
  return backupInto(_impl->environment(), directory);
}

Store::Statistics Store::statistics() const {
  Statistics statistics;
  statistics.pendingChanges = _impl->pending().count();
  const auto size = _impl->size();
  statistics.registrations = size.registrations;
  statistics.mapBytes = size.mapBytes;
  statistics.usedBytes = size.usedBytes;
  return statistics;
}

store::Whereabouts Store::whereabouts() const {
  return {"LMDB in " + _impl->path().string(), {}, {}, 0};
}

std::string Store::lastFault() const {
  return _impl->lastFault();
}

}  // namespace p2::lmdb
