#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/core/Secret.h"
#include "p2/core/Target.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/ImportSource.h"
#include "p2/store/Overdue.h"
#include "p2/store/Registration.h"
#include "p2/store/RegistrationStore.h"
#include "p2/store/ServiceMeter.h"
#include "p2/store/Validity.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace p2::test {

/// A store in a std::map, as simple as can be: the model of what the others do. Answers in the calling
/// thread, or late: in order, in a thread of its own, some time after it was asked, as a store at the other
/// end of a network does.
class MemoryStore : public store::RegistrationStore {
 public:
  enum class Answers { atOnce, late };

  explicit MemoryStore(Answers answers = Answers::atOnce, const core::Clock& clock = core::systemClock())
      : _meter(clock, {}) {
    if (answers == Answers::late) _thread = std::thread([this] { run(); });
  }
  /// Answers what is asked still.
  ~MemoryStore() override {
    {
      const std::scoped_lock lock(_mutex);
      _stopping = true;
    }
    _wake.notify_one();
    if (_thread.joinable()) _thread.join();
  }

  /// From now on all is answered with this error; with an empty one as before.
  void fail(std::string why) {
    const std::scoped_lock lock(_mutex);
    _fault = std::move(why);
  }

  void lookUp(std::string node, const std::string& /*domain*/, Callback<Found> done) const override {
    ask<Found>([this, node = std::move(node)]() -> core::Result<Found> { return holderOf(node).second; },
               std::move(done));
  }

  void lookUp(const store::DeviceKey& key, const std::string& /*domain*/,
              Callback<Found> done) const override {
    ask<Found>(
        [this, key]() -> core::Result<Found> {
          const auto found = _devices.find(keyOf(key));
          return found == _devices.end() ? Found() : Found(found->second);
        },
        std::move(done));
  }

  void registerDevice(store::DeviceKey key, std::string domain, core::Target target,
                      Callback<store::Registration> done) override {
    ask<store::Registration>(
        [this, key = std::move(key), domain = std::move(domain),
         target = std::move(target)]() -> core::Result<store::Registration> {
          auto valid = store::checkKey(key);
          if (valid.ok()) valid = store::checkContent(domain, target);
          if (!valid.ok()) return core::Error{valid.error()};
          if (domain.empty()) return core::Error{"The domain is missing."};
          return enrol(key, domain, target);
        },
        std::move(done));
  }

  void unregister(store::DeviceKey key, std::string /*domain*/, Callback<bool> done) override {
    ask<bool>(
        [this, key = std::move(key)]() -> core::Result<bool> { return _devices.erase(keyOf(key)) == 1; },
        std::move(done));
  }

  void removeIfHolds(std::string node, core::Target target, Callback<store::Removal> done) override {
    ask<store::Removal>(
        [this, node = std::move(node), target = std::move(target)]() -> core::Result<store::Removal> {
          const auto [key, found] = holderOf(node);
          if (!found) return store::Removal::absent;
          if (found->target != target) return store::Removal::holdsOther;
          _devices.erase(key);
          return store::Removal::removed;
        },
        std::move(done));
  }

  void replaceTarget(std::string node, core::Target target, core::Target replacement,
                     Callback<bool> done) override {
    ask<bool>(
        [this, node = std::move(node), target = std::move(target),
         replacement = std::move(replacement)]() -> core::Result<bool> {
          if (auto valid = store::checkTarget(replacement); !valid.ok()) return core::Error{valid.error()};
          const auto [key, found] = holderOf(node);
          if (!found || found->target != target) return false;
          _devices[key].target = replacement;
          return true;
        },
        std::move(done));
  }

  bool holdsAny() const override {
    const std::scoped_lock lock(_mutex);
    return !_devices.empty();
  }
  std::string lastFault() const override {
    const std::scoped_lock lock(_mutex);
    return _fault;
  }

  core::Result<void> forEach(const std::function<bool(const store::Registration&)>& visit,
                             const std::function<void(std::string_view node, const std::string& why)>&
                             /*onUnreadable*/
                             = nullptr) const override {
    if (auto fault = lastFault(); !fault.empty()) return core::Error{std::move(fault)};
    std::string reached;
    while (const auto next = after(reached)) {
      if (!visit(*next)) break;
      reached = next->node;
    }
    return {};
  }

  core::Result<ImportReport> importRows(store::ImportSource& source) override {
    std::promise<core::Result<ImportReport>> promise;
    auto report = promise.get_future();
    ask<ImportReport>([this, &source] { return import(source); },
                      [promise = std::move(promise)](core::Result<ImportReport> done) mutable {
                        promise.set_value(std::move(done));
                      });
    return report.get();
  }

  void removeExpired(std::chrono::seconds unrenewedFor, std::size_t atMost, Callback<Swept> done) override {
    const auto now = _meter.date();
    const store::Overdue overdue{now, unrenewedFor, _meter.look()};
    ask<Swept>(
        [this, overdue, atMost]() -> core::Result<Swept> {
          Swept swept;
          for (const auto& [node, key] : nodes()) {
            swept.more = swept.changed == atMost;
            if (swept.more) break;
            if (overdue(_devices.at(key))) swept.changed += _devices.erase(key);
          }
          return swept;
        },
        std::move(done));
  }

  void dropDomains(Callback<Swept> done) override {
    ask<Swept>(
        [this]() -> core::Result<Swept> {
          Swept swept;
          for (auto& [key, registration] : _devices) {
            swept.changed += registration.domain.empty() ? 0U : 1U;
            registration.domain.clear();
          }
          return swept;
        },
        std::move(done));
  }

  void setServing(bool serving) override { _meter.setServing(serving); }
  /// It is not there any longer than this object.
  void saveServiceTime(Callback<void> done) override {
    ask<void>([] { return core::Result<void>(); }, std::move(done));
  }

  void forget(std::string node, Callback<bool> done) override {
    ask<bool>(
        [this, node = std::move(node)]() -> core::Result<bool> {
          const auto [key, found] = holderOf(node);
          return found && _devices.erase(key) == 1;
        },
        std::move(done));
  }

  Statistics statistics() const override {
    const std::scoped_lock lock(_mutex);
    Statistics statistics;
    statistics.registrations = _devices.size();
    statistics.pendingChanges = _asked.size();
    return statistics;
  }

  store::Whereabouts whereabouts() const override {
    const std::scoped_lock lock(_mutex);
    return _whereabouts;
  }
  void moveTo(store::Whereabouts whereabouts) {
    const std::scoped_lock lock(_mutex);
    _whereabouts = std::move(whereabouts);
  }

 private:
  using Key = std::tuple<store::Service, std::string, std::string>;
  using Rows = std::vector<store::ImportSource::Row>;

  static Key keyOf(const store::DeviceKey& key) { return {key.service, key.device, key.channel}; }

  std::pair<Key, Found> holderOf(const std::string& node) const {
    for (const auto& [key, registration] : _devices) {
      if (registration.node == node) return {key, registration};
    }
    return {};
  }

  /// By node, which key has it.
  std::map<std::string, Key> nodes() const {
    std::map<std::string, Key> nodes;
    for (const auto& [key, registration] : _devices) nodes.emplace(registration.node, key);
    return nodes;
  }

  /// The first registration whose node comes after this one.
  Found after(const std::string& node) const {
    const std::scoped_lock lock(_mutex);
    const auto all = nodes();
    const auto next = all.upper_bound(node);
    return next == all.end() ? Found() : Found(_devices.at(next->second));
  }

  core::Result<ImportReport> import(store::ImportSource& source) {
    Rows rows;
    for (;;) {
      auto given = source.next();
      if (!given.ok()) return core::Error{given.error()};
      if (!given.value()) break;
      const auto valid = store::checkRegistration(given.value()->registration);
      if (valid.ok()) {
        rows.push_back(std::move(*given.value()));
      } else {
        source.refuse(given.value()->line, valid.error());
      }
    }
    ImportReport report;
    const auto owners = ownersOf(nodesOf(std::move(rows), source, report), source);
    auto devices = _devices;
    for (const auto& row : owners) merge(devices, row, report);
    report.imported = source.confirm();
    if (!report.imported) return report;
    _devices = std::move(devices);
    _meter.renewAll();
    return report;
  }

  /// One row for each node, in the order of their lines: the latest state, of the device that came first.
  Rows nodesOf(Rows rows, store::ImportSource& source, ImportReport& report) const {
    std::map<std::string, store::ImportSource::Row> byNode;
    for (auto& row : rows) {
      const auto [kept, added] = byNode.try_emplace(row.registration.node, row);
      if (added) continue;
      if (kept->second.registration.key != row.registration.key) {
        source.refuse(row.line, "Its node is that of another device.");
        continue;
      }
      ++report.unchanged;
      if (row.registration.lastRegistered >= kept->second.registration.lastRegistered) {
        kept->second = std::move(row);
      }
    }
    Rows some;
    for (auto& [node, row] : byNode) {
      const auto [key, stored] = holderOf(node);
      if (stored && stored->key != row.registration.key) {
        source.refuse(row.line, "Its node is here for another device.");
      } else {
        some.push_back(std::move(row));
      }
    }
    std::sort(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return some;
  }

  /// Of those, one for each device: the first.
  Rows ownersOf(Rows rows, store::ImportSource& source) const {
    std::set<Key> seen;
    std::erase_if(rows, [&](const auto& row) {
      const auto stored = _devices.find(keyOf(row.registration.key));
      const bool other = stored != _devices.end() && stored->second.node != row.registration.node;
      if (seen.insert(keyOf(row.registration.key)).second && !other) return false;
      source.refuse(row.line, "Its device has another node.");
      return true;
    });
    return rows;
  }

  static void merge(std::map<Key, store::Registration>& devices, const store::ImportSource::Row& row,
                    ImportReport& report) {
    auto given = row.registration;
    const auto [at, added] = devices.try_emplace(keyOf(given.key), given);
    if (added) {
      ++report.added;
      return;
    }
    auto& stored = at->second;
    if (!row.dated && stored.lastRegistered > stored.created) given.lastRegistered = stored.created;
    given.created = std::min(given.created, stored.created);
    auto same = given;
    same.created = stored.created;
    same.lastRegistered = stored.lastRegistered;
    const bool differs = same != stored;
    const bool later = given.lastRegistered > stored.lastRegistered ||
                       (given.lastRegistered == stored.lastRegistered && differs);
    ++(differs && later ? report.updated : report.unchanged);
    if (later) stored = std::move(given);
  }

  store::Registration enrol(const store::DeviceKey& key, const std::string& domain,
                            const core::Target& target) {
    const auto now = _meter.date();
    auto [at, added] = _devices.try_emplace(keyOf(key));
    auto& registration = at->second;
    if (added) {
      const auto number = std::to_string(++_made);
      registration.node = "node" + number;
      registration.secret = core::Secret("secret" + number);
      registration.key = key;
      registration.created = now;
    }
    const bool differs = registration.target != target || registration.domain != domain;
    if (added || differs || now - registration.lastRegistered >= std::chrono::hours(24)) {
      registration.lastRegistered = std::max(registration.lastRegistered, now);
    }
    registration.domain = domain;
    registration.target = target;
    return registration;
  }

  template <class T>
  void ask(std::function<core::Result<T>()> what, Callback<T> done) const {
    auto answer = [this, what = std::move(what), done = std::move(done)]() mutable {
      std::unique_lock lock(_mutex);
      core::Result<T> result = _fault.empty() ? what() : core::Result<T>(core::Error{_fault});
      lock.unlock();
      done(std::move(result));
    };
    if (!_thread.joinable()) return answer();
    {
      const std::scoped_lock lock(_mutex);
      _asked.emplace_back(std::move(answer));
    }
    _wake.notify_one();
  }

  void run() {
    std::unique_lock lock(_mutex);
    for (;;) {
      _wake.wait(lock, [this] { return _stopping || !_asked.empty(); });
      if (_asked.empty()) return;
      auto next = std::move(_asked.front());
      _asked.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      next();
      lock.lock();
    }
  }

  mutable std::mutex _mutex;
  mutable std::condition_variable _wake;
  store::ServiceMeter _meter;
  std::map<Key, store::Registration> _devices;
  mutable std::deque<core::UniqueFunction<void()>> _asked;
  store::Whereabouts _whereabouts{"memory", {}, {}, 0};
  std::string _fault;
  unsigned _made = 0;
  bool _stopping = false;
  std::thread _thread;
};

}  // namespace p2::test
