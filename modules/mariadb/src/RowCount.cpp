#include "RowCount.h"

#include "Pages.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace p2::mariadb {

namespace {

// A database counts some ten million rows in it. As long may closing take, if it stands still.
constexpr std::chrono::seconds kPatienceForCount{15};
// After a count that has failed.
constexpr std::chrono::seconds kAgain{5};
// Who looks at the daemon, or asks whether it is well, waits no longer.
constexpr std::chrono::seconds kMoment{2};

}  // namespace

RowCount::RowCount(const Options& options, Hosts::Welcome welcome, Purpose purpose)
    : _options(options),
      _hosts(options, kPatienceForCount, std::move(welcome), purpose),
      _session(_hosts),
      _thread([this] { run(); }) {}

RowCount::~RowCount() {
  _hosts.giveUp();
  {
    const std::scoped_lock lock(_mutex);
    _closing = true;
  }
  _changed.notify_all();
  _thread.join();
}

RowCount::Statistics RowCount::look() {
  std::unique_lock lock(_mutex);
  const auto isDone = [this] { return !_wanted; };
  if (_options.clock->now() >= _due) {
    _wanted = true;
    _changed.notify_all();
  }
  _changed.wait_for(lock, kMoment, isDone);
  return _last.value_or(Statistics());
}

void RowCount::run() {
  std::unique_lock lock(_mutex);
  for (;;) {
    _changed.wait(lock, [this] { return _closing || _wanted; });
    if (_closing) return;
    lock.unlock();
    auto counted = count();
    lock.lock();
    if (counted) _last = counted;
    _due = _options.clock->now() + (counted ? _options.countEvery : std::min(_options.countEvery, kAgain));
    _wanted = false;
    _changed.notify_all();
  }
}

std::optional<RowCount::Statistics> RowCount::count() {
  try {
    auto counted = _session.read([](Connection& connection) { return readStatistics(connection); });
    if (counted.ok()) return counted.value();
  } catch (const std::exception&) {
    // No memory, even for a text.
  }
  return std::nullopt;
}

}  // namespace p2::mariadb
