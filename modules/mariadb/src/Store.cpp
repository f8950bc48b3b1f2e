#include "p2/mariadb/Store.h"

#include "Cluster.h"
#include "FoundCache.h"
#include "Hosts.h"
#include "Import.h"
#include "Lookups.h"
#include "Operations.h"
#include "Pages.h"
#include "RowCount.h"
#include "Schema.h"
#include "Session.h"
#include "Sharers.h"
#include "Sweep.h"
#include "Text.h"
#include "Watch.h"
#include "Writer.h"
#include "p2/core/Guarded.h"
#include "p2/store/PendingChanges.h"
#include "p2/store/RegistrableDomain.h"
#include "p2/store/ServiceMeter.h"
#include "p2/store/Validity.h"

#include <atomic>
#include <limits>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;
using core::Target;

// Counting millions of rows takes its time, and writing them in one transaction.
constexpr std::chrono::seconds kPatienceForAll{60};
constexpr std::chrono::seconds kPatienceForImport{3600};

/// What the tables say when the store is opened.
struct Beginning {
  store::ServiceTime time;
  bool holdsAny = false;
};

Outcome<Beginning> begin(Connection& connection, bool makeTables) {
  if (makeTables) {
    if (auto fault = createMissingTables(connection)) return std::move(*fault);
  }
  if (auto fault = checkTables(connection)) return std::move(*fault);
  auto time = readServiceTime(connection);
  if (!time.ok()) return time.fault();
  auto any = readHoldsAny(connection);
  if (!any.ok()) return any.fault();
  return Beginning{std::move(time.value()), any.value()};
}

}  // namespace

/// What a store holds; the order of the members is the order of dependency.
class Store::Impl {
 public:
  Impl(Options options, Purpose purpose, bool makeTables)
      : _options(std::move(options)),
        _purpose(purpose),
        _makeTables(makeTables),
        _meter(*_options.clock, {}),
        _sharers(*_options.clock),
        _hosts(_options, _options.timeout, welcome(), purpose),
        _hostsForAll(_options, kPatienceForAll, welcome(), purpose),
        _sessionForAll(_hostsForAll),
        _found(_options),
        _rowCount(_options, welcome(), purpose),
        _writer(_options, _hosts, _found, _holdsAny),
        _lookups(_options, _hosts, _found, _holdsAny),
        _watch(
            _hosts, _lookups, _writer, [this] { writeAnything(); },
            [this](Connection& connection) { lookAtSharers(connection); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  /// Both are there until neither calls back any more: what calls back may ask again.
  ~Impl() {
    _hosts.giveUp();
    _watch.close();
    _writer.stop();
    _lookups.stop();
  }

  /// Reads what the store begins with. A fault if that cannot be; it is tried again with each connection.
  MaybeFault begin();

  const Options& options() const { return _options; }
  store::ServiceMeter& meter() { return _meter; }
  void setServing(bool serving) {
    _meter.setServing(serving);
    _serves = serving;
  }
  bool holdsAny() const { return _holdsAny; }
  const FoundCache& found() const { return _found; }
  Lookups& lookups() { return _lookups; }
  std::string lastFault() const;
  store::Whereabouts whereabouts() const;

  void enrol(store::Enrolment asked, std::string flow, Callback<store::Registration> done);
  template <class T>
  void change(Name name, typename Operation<T>::Apply apply, Callback<T> done, std::string flow = {});
  void sweep(Sweep scan, Callback<Swept> done);
  void saveServiceTime(Callback<void> done);
  Result<ImportReport> import(store::ImportSource& source);
  Statistics statistics();

  /// Over the connection for all registrations at once. Blocks while others use it.
  template <class Work>
  auto readAll(const Work& work) {
    const std::scoped_lock lock(_mutex);
    return _sessionForAll.read(work);
  }

 private:
  /// Nobody is answered over a connection before the tables have been looked at over one.
  Hosts::Welcome welcome() {
    return [this](Connection& connection) -> MaybeFault {
      if (auto fault = admit(connection)) return fault;
      if (auto fault = keepsUp(connection)) return fault;
      return beginWith(connection);
    };
  }
  MaybeFault admit(const Connection& connection);
  MaybeFault keepsUp(Connection& connection);
  MaybeFault beginWith(Connection& connection);
  void writeAnything();
  void lookAtSharers(Connection& connection);
  store::PendingChanges::Ticket ticketFor(const Name& name);

  const Options _options;
  const Purpose _purpose;
  const bool _makeTables;
  Cluster _cluster;
  std::mutex _beginning;
  std::atomic<bool> _begun = false;  ///< Set under _beginning.
  store::ServiceMeter _meter;
  std::atomic<bool> _holdsAny = false;
  store::PendingChanges _pending;
  Sharers _sharers;
  Hosts _hosts;
  Hosts _hostsForAll;
  std::mutex _mutex;
  Session _sessionForAll;  ///< Under _mutex.
  FoundCache _found;
  RowCount _rowCount;
  Writer _writer;
  Lookups _lookups;
  std::atomic<bool> _serves = false;
  core::Guarded<std::string> _sharersFault;
  Watch _watch;
};

MaybeFault Store::Impl::begin() {
  auto ready = _hosts.connect(std::nullopt);
  if (ready.ok()) return std::nullopt;
  _lookups.note(ready.fault());
  return ready.fault();
}

MaybeFault Store::Impl::admit(const Connection& connection) {
  return _begun ? _cluster.admit(connection) : _cluster.admitFirst(connection, _options);
}

/// Hosts of no cluster are a server and its replicas, at best.
MaybeFault Store::Impl::keepsUp(Connection& connection) {
  if (connection.isClustered() || _options.hosts.size() < 2) return std::nullopt;
  connection.alsoCheck([this](Connection& asked) { return _sharers.checkKeepsUp(asked); });
  return _sharers.checkKeepsUp(connection);
}

MaybeFault Store::Impl::beginWith(Connection& connection) {
  if (_begun) return std::nullopt;
  auto beginning = mariadb::begin(connection, _makeTables);
  if (!beginning.ok()) return beginning.fault();
  // Only now: a connection with a long patience must not keep the others waiting.
  const std::scoped_lock lock(_beginning);
  if (_begun) return std::nullopt;
  _meter.adopt(std::move(beginning.value().time));
  if (beginning.value().holdsAny) _holdsAny = true;
  _begun = true;
  return std::nullopt;
}

std::string Store::Impl::lastFault() const {
  auto fault = _writer.lastFault();
  return fault.empty() ? _lookups.lastFault() : fault;
}

store::Whereabouts Store::Impl::whereabouts() const {
  auto known = _hosts.whereabouts();
  known.place = "MariaDB, database " + _options.database;
  known.sharers = _sharers.count();
  known.sharersFault = _sharersFault.with([](const std::string& text) { return text; });
  return known;
}

/// What waits to be written shows as well whether that works.
void Store::Impl::writeAnything() {
  if (_pending.count() == 0) saveServiceTime([](const Result<void>&) {});
}

/// What would be refused again, as without the right to write, is for the operator; what a moment brings is
/// not.
void Store::Impl::lookAtSharers(Connection& connection) {
  if (_purpose == Purpose::reading) return;
  const auto fault = _sharers.look(connection, _serves);
  const bool isRefused = fault && fault->kind == Fault::Kind::refused;
  _sharersFault.with([&](std::string& text) { text = isRefused ? fault->text : std::string(); });
}

store::PendingChanges::Ticket Store::Impl::ticketFor(const Name& name) {
  const auto* key = std::get_if<store::DeviceKey>(&name);
  return key != nullptr ? _pending.of(*key) : _pending.ofAny();
}

void Store::Impl::enrol(store::Enrolment asked, std::string flow, Callback<store::Registration> done) {
  const RegistrationRules rules{_meter.date(), _options.renewAfter};
  // A date that nobody could place after the next start would let the registration look old.
  if (_meter.hasNews()) saveServiceTime([](const Result<void>&) {});
  auto ticket = _pending.of(asked.key);
  _writer.submit({std::make_unique<EnrolOperation>(std::move(asked), rules, std::move(done)),
                  std::move(ticket), std::move(flow)});
}

template <class T>
void Store::Impl::change(Name name, typename Operation<T>::Apply apply, Callback<T> done, std::string flow) {
  auto ticket = ticketFor(name);
  _writer.submit({std::make_unique<Operation<T>>(std::move(name), std::move(apply), std::move(done)),
                  std::move(ticket), std::move(flow)});
}

void Store::Impl::sweep(Sweep scan, Callback<Swept> done) {
  auto next = [this, before = scan.swept, done = std::move(done)](Result<Sweep> outcome) mutable {
    if (!outcome.ok()) {
      // What earlier steps did is done, whatever has become of this one.
      if (before.changed > 0) return done(before);
      return done(Error{outcome.error()});
    }
    if (outcome.value().finished()) return done(outcome.value().swept);
    sweep(std::move(outcome).value(), std::move(done));
  };
  _writer.submit({std::make_unique<SweepTask>(std::move(scan), std::move(next)), _pending.ofAny()});
}

void Store::Impl::saveServiceTime(Callback<void> done) {
  _writer.submit({std::make_unique<ServiceTimeTask>(_meter, std::move(done)), _pending.ofNone()});
}

Result<Store::ImportReport> Store::Impl::import(store::ImportSource& source) {
  Hosts hosts(_options, kPatienceForImport, welcome());
  Session session(hosts);
  auto ready = session.connection();
  if (!ready.ok()) return Error{ready.fault().text};
  auto report = mariadb::importRows(*ready.value(), source, _options.keepDomain);
  _found.dropAll();
  if (!report.ok()) return Error{report.fault().text};
  if (report.value().imported) {
    _meter.renewAll();
    if (report.value().added > 0) _holdsAny = true;
  }
  return report.value();
}

Store::Statistics Store::Impl::statistics() {
  auto known = _rowCount.look();
  known.pendingChanges = _pending.count();
  return known;
}

Store::Store(std::unique_ptr<Impl> impl) : _impl(std::move(impl)) {}

Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const Options& options) {
  return openFor(Use::commands, options);
}

Result<std::unique_ptr<Store>> Store::start(const Options& options) {
  return openFor(Use::daemon, options);
}

Result<std::unique_ptr<const Store>> Store::openReadOnly(const Options& options) {
  auto opened = openFor(Use::reading, options);
  if (!opened) opened = openFor(Use::readingReplicas, options);
  if (!opened) return Error{opened.error()};
  return std::unique_ptr<const Store>(std::move(opened).value());
}

Result<std::unique_ptr<Store>> Store::openFor(Use use, const Options& options) {
  try {
    const auto purpose = use == Use::readingReplicas ? Purpose::reading : Purpose::serving;
    const bool makesTables = use == Use::commands || use == Use::daemon;
    auto impl = std::make_unique<Impl>(options, purpose, makesTables);
    if (const auto fault = impl->begin()) {
      if (use != Use::daemon || fault->kind == Fault::Kind::refused) return Error{fault->text};
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
  } catch (const std::system_error& exception) {
    if (use == Use::daemon) throw;
    return Error{std::string("The store cannot start its threads: ") + exception.what() + "."};
  }
}

void Store::lookUp(std::string node, const std::string& domain, Callback<Found> done) const {
  if (!isPossible(node)) return done(Found());
  _impl->lookups().ask(std::move(node), store::flowOf(domain), std::move(done));
}

void Store::lookUp(const store::DeviceKey& key, const std::string& domain, Callback<Found> done) const {
  if (!isPossible(key)) return done(Found());
  _impl->lookups().ask(key, store::flowOf(domain), std::move(done));
}

void Store::lookUpRecent(std::string node, const std::string& domain, Callback<Recent> done) const {
  if (auto kept = _impl->found().find(node)) return done(Recent{std::move(kept), true});
  Registrations::lookUpRecent(std::move(node), domain, std::move(done));
}

bool Store::holdsAny() const {
  return _impl->holdsAny();
}

std::string Store::lastFault() const {
  return _impl->lastFault();
}

Result<void> Store::forEach(
    const std::function<bool(const store::Registration&)>& visit,
    const std::function<void(std::string_view, const std::string&)>& onUnreadable) const {
  std::string reached;
  for (;;) {
    auto page = _impl->readAll([&](Connection& connection) { return readPage(connection, reached); });
    if (!page.ok()) return Error{page.fault().text};
    for (const auto& [registration, unreadable] : page.value()) {
      if (!unreadable.empty()) {
        if (onUnreadable) onUnreadable(registration.node, unreadable);
      } else if (!visit(registration)) {
        return {};
      }
    }
    if (page.value().size() < kPageRows) return {};
    reached = page.value().back().registration.node;
  }
}

void Store::registerDevice(store::DeviceKey key, std::string domain, Target target,
                           Callback<store::Registration> done) {
  auto valid = store::checkEnrolment(key, domain, target);
  if (valid.ok()) valid = checkText(key, domain, target);
  if (!valid.ok()) return done(Error{valid.error()});
  std::string flow = store::flowOf(domain);
  if (!_impl->options().keepDomain) domain.clear();
  _impl->enrol({std::move(key), std::move(domain), std::move(target)}, std::move(flow), std::move(done));
}

void Store::unregister(store::DeviceKey key, std::string domain, Callback<bool> done) {
  if (!isPossible(key)) return done(false);
  Name name = key;
  _impl->change<bool>(
      name, [name](WorkingSet& rows) { return removeRow(rows, name); }, std::move(done),
      store::flowOf(domain));
}

void Store::forget(std::string node, Callback<bool> done) {
  if (!isPossible(node)) return done(false);
  Name name = std::move(node);
  _impl->change<bool>(
      name, [name](WorkingSet& rows) { return removeRow(rows, name); }, std::move(done));
}

void Store::removeIfHolds(std::string node, Target target, Callback<store::Removal> done) {
  if (!isPossible(node)) return done(store::Removal::absent);
  _impl->change<store::Removal>(
      node,
      [node, target = std::move(target)](WorkingSet& rows) {
        return mariadb::removeIfHolds(rows, node, target);
      },
      std::move(done));
}

void Store::replaceTarget(std::string node, Target target, Target replacement, Callback<bool> done) {
  auto valid = store::checkTarget(replacement);
  if (valid.ok()) valid = checkText(replacement);
  if (!valid.ok()) return done(Error{valid.error()});
  if (!isPossible(node)) return done(false);
  _impl->change<bool>(
      node,
      [node, target = std::move(target), replacement = std::move(replacement)](WorkingSet& rows) {
        return mariadb::replaceTarget(rows, node, target, replacement);
      },
      std::move(done));
}

void Store::setServing(bool serving) {
  _impl->setServing(serving);
}

void Store::saveServiceTime(Callback<void> done) {
  _impl->saveServiceTime(std::move(done));
}

void Store::removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) {
  auto& meter = _impl->meter();
  const auto now = meter.date();
  Sweep sweep;
  sweep.purpose = Sweep::Purpose::removeOverdue;
  sweep.atMost = atMost;
  sweep.overdue = {now, unrenewedFor, meter.look()};
  _impl->sweep(std::move(sweep), std::move(done));
}

void Store::dropDomains(Callback<Swept> done) {
  Sweep sweep;
  sweep.purpose = Sweep::Purpose::dropDomains;
  sweep.atMost = std::numeric_limits<std::uint64_t>::max();
  _impl->sweep(std::move(sweep), [done = std::move(done)](Result<Swept> outcome) mutable {
    if (outcome.ok() && outcome.value().more) {
      return done(Error{"The store could be written in part only."});
    }
    done(std::move(outcome));
  });
}

Result<Store::ImportReport> Store::importRows(store::ImportSource& source) {
  return _impl->import(source);
}

store::Whereabouts Store::whereabouts() const {
  return _impl->whereabouts();
}

Store::Statistics Store::statistics() const {
  return _impl->statistics();
}

}  // namespace p2::mariadb
