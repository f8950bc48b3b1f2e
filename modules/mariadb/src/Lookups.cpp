#include "Lookups.h"

#include "Pages.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

// A statement of some kilobytes; more gains nothing.
constexpr std::size_t kAtOnce = 100;

Result<Lookups::Found> foundIn(const Records& records, const Name& name) {
  const Record* record = records.find(name);
  if (record == nullptr) return Lookups::Found();
  if (!record->unreadable.empty()) return Error{"A row cannot be read: " + record->unreadable};
  return Lookups::Found(record->registration);
}

void tell(Lookups::Callback& done, Result<Lookups::Found> result) noexcept {
  try {
    done(std::move(result));
  } catch (...) {
    // A callback must not throw. If it does, it has been told all the same, and the others must be.
  }
}

MaybeFault setSyncWait(Connection& connection, bool on) {
  auto done = connection.execute(std::string("set session wsrep_sync_wait = ") + (on ? '1' : '0'));
  return done.ok() ? MaybeFault() : done.fault();
}

}  // namespace

Lookups::Lookups(const Options& options, Hosts& hosts, std::atomic<bool>& holdsAny)
    : _options(options), _hosts(hosts), _holdsAny(holdsAny), _queue(options.queueCapacity) {
  const std::size_t count = std::max<std::size_t>(options.connections, 1);
  _threads.reserve(count);
  try {
    while (_threads.size() < count) _threads.emplace_back([this] { run(); });
  } catch (...) {
    stop();
    throw;
  }
}

void Lookups::stop() {
  _queue.close();
  for (auto& thread : _threads) thread.join();
  _threads.clear();
}

void Lookups::ask(Name name, Callback done) {
  auto refused = _queue.push({std::move(name), std::move(done), _options.clock->now()});
  if (!refused) return;
  refused->done(Error{"The store is busy: " + std::to_string(_options.queueCapacity) +
                      " look-ups are waiting, or it is closing."});
}

std::string Lookups::lastFault() const {
  return _lastFault.with([](const std::string& text) { return text; });
}

void Lookups::run() {
  Session session(_hosts);
  for (;;) {
    try {
      auto batch = _queue.popBatch(kAtOnce);
      if (batch.empty()) return;
      answer(session, batch);
    } catch (const std::exception& exception) {
      // No memory even to tell: the callbacks have been destroyed, which tells those who wait for them.
      _lastFault.with([&](std::string& text) { text = exception.what(); });
    }
  }
}

void Lookups::answer(Session& session, std::vector<Sought>& batch) {
  std::vector<const Name*> names;
  names.reserve(batch.size());
  for (const auto& sought : batch) names.push_back(&sought.name);
  auto looked =
      session.read([&](Connection& connection) { return look(connection, names); }, batch.front().since);
  _lastFault.with([&](std::string& text) { text = looked.ok() ? std::string() : looked.fault().text; });
  for (auto& [name, done, since] : batch) {
    tell(done, looked.ok() ? foundIn(looked.value(), name) : Result<Found>(Error{looked.fault().text}));
  }
}

Outcome<Records> Lookups::look(Connection& connection, std::span<const Name* const> names) {
  auto found = readRecords(connection, names, Lock::none);
  if (!found.ok()) return found;
  std::vector<const Name*> missing;
  for (const Name* name : names) {
    if (found.value().find(*name) == nullptr) missing.push_back(name);
  }
  if (missing.size() < names.size()) _holdsAny = true;
  if (missing.empty()) return found;
  if (auto fault = askAgain(connection, missing, found.value())) return std::move(*fault);
  return found;
}

/// What this host does not have must be nowhere. In a cluster it may be on its way here; and a host that has
/// fallen out of step, or been made a replica, since it was chosen says nothing.
MaybeFault Lookups::askAgain(Connection& connection, std::span<const Name* const> missing, Records& found) {
  if (connection.isClustered()) {
    if (auto fault = setSyncWait(connection, true)) return fault;
    auto again = readRecords(connection, missing, Lock::none);
    if (!again.ok()) return again.fault();
    for (const Name* name : missing) {
      if (const Record* record = again.value().find(*name)) found.put(*record);
    }
    if (auto fault = setSyncWait(connection, false)) return fault;
  }
  auto any = readHoldsAny(connection);
  if (!any.ok()) return any.fault();
  if (auto fault = connection.checkServes()) return fault;
  _holdsAny = any.value();
  return std::nullopt;
}

}  // namespace p2::mariadb
