#include "Lookups.h"

#include "Pages.h"
#include "p2/store/Tell.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <variant>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

// A statement of some kilobytes; more gains nothing.
constexpr std::size_t kAtOnce = 100;

Result<Lookups::Found> foundIn(const Records& records, const Name& name) {
  const Record* record = records.find(name);
  if (record == nullptr) return Lookups::Found();
  if (!record->unreadable.empty())
    return Error{"A row cannot be read: " + record->unreadable, Error::Kind::damaged};
  return Lookups::Found(record->registration);
}

}  // namespace

Lookups::Lookups(const Options& options, Hosts& hosts, FoundCache& found, std::atomic<bool>& holdsAny)
    : _options(options),
      _hosts(hosts),
      _found(found),
      _holdsAny(holdsAny),
      _queue(options.queueCapacity),
      _missed(options.queueCapacity),
      _devices(options.queueCapacity) {
  try {
    begin(std::max<std::size_t>(options.connections, 1), _queue, &Lookups::answerFound);
    begin(1, _missed, &Lookups::answerAll);
    begin(1, _devices, &Lookups::answerAll);
  } catch (...) {
    stop();
    throw;
  }
}

void Lookups::begin(std::size_t count, Queue& queue, void (Lookups::*serve)(Session&, Batch&)) {
  while (count-- > 0) _threads.emplace_back([this, &queue, serve] { run(queue, serve); });
}

/// What the first threads have not found yet is still answered.
void Lookups::stop() {
  _queue.close();
  _devices.close();
  for (std::size_t i = 0; i < _threads.size(); ++i) {
    if (i + 2 >= _threads.size()) _missed.close();
    _threads[i].join();
  }
  _threads.clear();
}

void Lookups::ask(Name name, std::string flow, Callback done) {
  Queue& queue = std::holds_alternative<std::string>(name) ? _queue : _devices;
  submit(queue, {std::move(name), std::move(flow), std::move(done), _options.clock->now()});
}

void Lookups::submit(Queue& queue, Sought sought) const {
  const std::string flow = sought.flow;
  auto refused = queue.push(flow, std::move(sought));
  if (!refused) return;
  store::tell(refused->done, Error{"The store is busy: " + std::to_string(_options.queueCapacity) +
                                   " look-ups are waiting, or it is closing."});
}

std::string Lookups::lastFault() const {
  return _lastFault.with([](const std::string& text) { return text; });
}

void Lookups::note(const MaybeFault& fault) {
  _lastFault.with([&](std::string& text) { text = fault ? fault->text : std::string(); });
}

void Lookups::run(Queue& queue, void (Lookups::*serve)(Session&, Batch&)) {
  Session session(_hosts);
  for (;;) {
    try {
      auto batch = queue.popBatch(kAtOnce);
      if (batch.empty()) return;
      refuseLate(batch);
      if (!batch.empty()) (this->*serve)(session, batch);
    } catch (const std::exception& exception) {
      // No memory even to tell: the callbacks have been destroyed, which tells those who wait for them.
      _lastFault.with([&](std::string& text) { text = exception.what(); });
    }
  }
}

/// Behind a database that is slower than what is asked of it nobody shall wait for an answer that comes when
/// he has given up.
void Lookups::refuseLate(Batch& batch) const {
  const auto oldest = _options.clock->now() - 2 * _options.timeout;
  const auto late = std::stable_partition(batch.begin(), batch.end(),
                                          [&](const Sought& sought) { return sought.since >= oldest; });
  for (auto sought = late; sought != batch.end(); ++sought) {
    store::tell(sought->done, Error{std::string(kTooSlow)});
  }
  batch.erase(late, batch.end());
}

void Lookups::answerFound(Session& session, Batch& batch) {
  const auto reading = _found.begin();
  auto looked = lookUp(session, batch, &Lookups::look);
  for (auto& sought : batch) {
    if (!looked.ok()) {
      store::tell(sought.done, Error{looked.fault().text});
    } else if (looked.value().find(sought.name) != nullptr) {
      _holdsAny = true;
      answer(sought, foundIn(looked.value(), sought.name), reading);
    } else {
      submit(_missed, std::move(sought));
    }
  }
}

void Lookups::answerAll(Session& session, Batch& batch) {
  const auto reading = _found.begin();
  auto looked = lookUp(session, batch, &Lookups::lookCausally);
  for (auto& sought : batch) {
    answer(sought, looked.ok() ? foundIn(looked.value(), sought.name) : Error{looked.fault().text}, reading);
  }
}

/// What phones register is asked for once, what is pushed to again and again: only that is kept.
void Lookups::answer(Sought& sought, Result<Found> result, const FoundCache::Reading& reading) {
  if (std::holds_alternative<std::string>(sought.name) && result.ok() && result.value()) {
    _found.put(*result.value(), reading);
  }
  store::tell(sought.done, std::move(result));
}

Outcome<Records> Lookups::lookUp(Session& session, const Batch& batch, Look look) {
  std::vector<const Name*> names;
  names.reserve(batch.size());
  auto since = batch.front().since;
  for (const auto& sought : batch) {
    names.push_back(&sought.name);
    since = std::min(since, sought.since);
  }
  auto looked = session.read([&](Connection& connection) { return (this->*look)(connection, names); }, since);
  note(looked.ok() ? MaybeFault() : looked.fault());
  return looked;
}

Outcome<Records> Lookups::look(Connection& connection, std::span<const Name* const> names) const {
  return readRecords(connection, names, Lock::none);
}

/// What this host does not have must be nowhere. In a cluster it may be on its way here; and a host that has
/// fallen out of step, or been made a replica, since it was chosen says nothing.
Outcome<Records> Lookups::lookCausally(Connection& connection, std::span<const Name* const> names) const {
  if (auto fault = connection.readCausally()) return std::move(*fault);
  auto found = readRecords(connection, names, Lock::none);
  if (!found.ok()) return found;
  auto any = readHoldsAny(connection);
  if (!any.ok()) return any.fault();
  if (auto fault = connection.checkServes()) return std::move(*fault);
  _holdsAny = any.value();
  return found;
}

}  // namespace p2::mariadb
