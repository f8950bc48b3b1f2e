#include "Writer.h"

#include "Pages.h"
#include "p2/store/Tell.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Error;

void tell(Writer::Item& item, const Error* failure) noexcept {
  std::visit([&](const auto& work) { store::tell([&] { work->finish(failure); }); }, item.work);
}

bool isTask(const Writer::Item& item) {
  return std::holds_alternative<std::unique_ptr<Task>>(item.work);
}

/// Changes that share a transaction.
class Changes {
 public:
  explicit Changes(std::span<const Writer::Item> items) {
    for (const auto& item : items) _changes.push_back(std::get<std::unique_ptr<Change>>(item.work).get());
    for (const Change* change : _changes) _names.push_back(&change->name());
  }

  void begin() {
    for (Change* change : _changes) change->begin();
  }

  /// `uncertain`: whether the last run may have been committed.
  MaybeFault run(Connection& connection, bool uncertain) {
    auto read = readRecords(connection, _names, Lock::forUpdate);
    if (!read.ok()) return read.fault();
    if (uncertain && _rows && _rows->standsIn(read.value())) return std::nullopt;
    _rows.emplace(std::move(read.value()));
    for (Change* change : _changes) change->apply(*_rows);
    if (auto fault = _rows->write(connection)) return fault;
    if (!_rows->erases()) return std::nullopt;
    auto any = readHoldsAny(connection);
    if (!any.ok()) return any.fault();
    _holdsAny = any.value();
    return std::nullopt;
  }

  /// Whether the table has rows now, if it had `before`.
  bool holdsAny(bool before) const { return _rows->adds() || _holdsAny.value_or(before); }

  /// Those that were only looked at as well: they may be others than what was found before.
  std::vector<std::string> touched() const {
    if (!_rows) return {};
    auto nodes = _rows->touched();
    for (const Name* name : _names) {
      if (const auto* node = std::get_if<std::string>(name)) {
        nodes.push_back(*node);
      } else if (const Record* row = _rows->find(*name)) {
        nodes.push_back(row->registration.node);
      }
    }
    return nodes;
  }

 private:
  std::vector<Change*> _changes;
  std::vector<const Name*> _names;
  std::optional<WorkingSet> _rows;
  std::optional<bool> _holdsAny;
};

class Alone {
 public:
  explicit Alone(Task& task) : _task(task) {}

  void begin() {}

  MaybeFault run(Connection& connection, bool /*uncertain*/) {
    if (auto fault = _task.run(connection)) return fault;
    auto any = readHoldsAny(connection);
    if (!any.ok()) return any.fault();
    _holdsAny = any.value();
    return std::nullopt;
  }

  bool holdsAny(bool /*before*/) const { return _holdsAny; }

  std::span<const std::string> touched() const { return _task.touched(); }

 private:
  Task& _task;
  bool _holdsAny = false;
};

MaybeFault execute(Connection& connection, const char* statement) {
  auto done = connection.execute(statement);
  return done.ok() ? MaybeFault() : done.fault();
}

}  // namespace

Writer::Writer(const Options& options, Hosts& hosts, FoundCache& found, std::atomic<bool>& holdsAny)
    : _options(options),
      _hosts(hosts),
      _found(found),
      _holdsAny(holdsAny),
      _session(hosts),
      _contention({std::chrono::milliseconds(5), std::chrono::milliseconds(200)}),
      _queue(options.queueCapacity),
      _thread([this] { run(); }) {}

void Writer::stop() {
  {
    const std::scoped_lock lock(_mutex);
    _closing = true;
  }
  _wake.notify_all();
  _queue.close();
  if (_thread.joinable()) _thread.join();
}

void Writer::submit(Item item) {
  const std::string flow = item.flow;
  item.since = _options.clock->now();
  std::optional<Item> refused = _queue.push(flow, std::move(item));
  if (!refused) return;
  const Error failure{"The store is busy: " + std::to_string(_options.queueCapacity) +
                      " changes are waiting to be written, or it is closing."};
  { const store::PendingChanges::Ticket done = std::move(refused->ticket); }
  tell(*refused, &failure);
}

std::string Writer::lastFault() const {
  return _lastFault.with([](const std::string& text) { return text; });
}

void Writer::run() {
  for (;;) {
    try {
      Batch batch = _queue.popBatch(std::max<std::size_t>(_options.maxBatch, 1));
      if (batch.empty()) return;
      refuseLate(batch);
      write(std::move(batch));
    } catch (const std::exception& exception) {
      // No memory even to tell: the callbacks have been destroyed, which tells those who wait for them.
      noteOutcome(Fault{Fault::Kind::refused, std::string("The store's writer failed: ") + exception.what()});
    }
  }
}

/// As look-ups do; tasks can wait.
void Writer::refuseLate(Batch& batch) {
  const auto oldest = _options.clock->now() - 2 * _options.timeout;
  const auto late = std::stable_partition(
      batch.begin(), batch.end(), [&](const Item& item) { return isTask(item) || item.since >= oldest; });
  answer({late, batch.end()}, Error{std::string(kTooSlow)});
  batch.erase(late, batch.end());
}

/// In order: a task begins when the changes before it are written.
void Writer::write(Batch batch) {
  std::span<Item> rest(batch);
  while (!rest.empty()) {
    const auto task = std::find_if(rest.begin(), rest.end(), isTask);
    const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(task - rest.begin()));
    writeSome(rest.first(count));
    rest = rest.subspan(count);
  }
}

void Writer::writeSome(std::span<Item> items) {
  const auto since = std::min_element(items.begin(), items.end(), [](const Item& one, const Item& other) {
                       return one.since < other.since;
                     })->since;
  MaybeFault fault;
  if (isTask(items.front())) {
    Alone alone(*std::get<std::unique_ptr<Task>>(items.front().work));
    fault = durably(alone, since);
  } else {
    Changes changes(items);
    fault = durably(changes, since);
  }
  noteOutcome(fault);
  answer(items, fault ? std::optional(Error{fault->text}) : std::nullopt);
}

/// None of them is pending any more when the first one is told.
void Writer::answer(std::span<Item> items, const std::optional<Error>& failure) {
  for (Item& item : items) {
    const store::PendingChanges::Ticket done = std::move(item.ticket);
  }
  for (Item& item : items) tell(item, failure ? &*failure : nullptr);
}

/// Behind other transactions each has the same time; but who waits for a host has waited for it in the queue,
/// too.
template <class Work>
MaybeFault Writer::durably(Work& work, core::Clock::TimePoint since) {
  const auto patience = 2 * _options.timeout;
  const auto begin = _options.clock->now();
  bool uncertain = false;
  for (;;) {
    auto fault = attempt(work, since, uncertain);
    // Whatever it came to: a commit that was lost may have taken place.
    _found.drop(work.touched());
    if (!fault) {
      _contention.reset();
      const bool before = _holdsAny;
      if (const bool now = work.holdsAny(before); now != before) _holdsAny = now;
      return std::nullopt;
    }
    _session.note(*fault);
    const auto deadline = (fault->kind == Fault::Kind::contended ? begin : since) + patience;
    if (!waitForNextTry(fault->kind, deadline)) return fault;
  }
}

template <class Work>
MaybeFault Writer::attempt(Work& work, core::Clock::TimePoint since, bool& uncertain) {
  if (!uncertain) work.begin();
  auto ready = _session.connection(since);
  if (!ready.ok()) return ready.fault();
  Connection& connection = *ready.value();
  // What is read must be what all of a cluster have agreed upon: it is not written again if it is as asked.
  if (auto fault = connection.readCausally()) return fault;
  if (auto fault = execute(connection, "start transaction")) return fault;
  auto fault = work.run(connection, uncertain);
  if (fault) {
    if (fault->kind == Fault::Kind::lost) return fault;
    if (auto lost = execute(connection, "rollback")) return lost;
    return fault;
  }
  fault = execute(connection, "commit");
  if (fault && fault->kind != Fault::Kind::contended) uncertain = true;
  return fault;
}

bool Writer::waitForNextTry(Fault::Kind kind, core::Clock::TimePoint deadline) {
  if (kind == Fault::Kind::refused) return false;
  const auto now = _options.clock->now();
  auto next = now + _contention.next();
  if (kind != Fault::Kind::contended) next = std::max(next, _hosts.nextTry());
  if (next >= deadline) return false;
  std::unique_lock lock(_mutex);
  return !_wake.wait_until(lock, _options.clock->realDeadline(next), [this] { return _closing; });
}

void Writer::noteOutcome(const MaybeFault& fault) {
  _lastFault.with([&](std::string& text) { text = fault ? fault->text : std::string(); });
}

}  // namespace p2::mariadb
