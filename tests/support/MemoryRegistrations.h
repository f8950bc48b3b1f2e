#pragma once

#include "p2/core/Clock.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

namespace p2::test {

/// The registrations in a std::map, as simple as can be. Answers in the calling thread, or late: in order, in
/// a thread of its own, some time after it was asked, as a store at the other end of a network does.
class MemoryRegistrations final : public store::Registrations {
 public:
  enum class Answers { atOnce, late };

  explicit MemoryRegistrations(Answers answers = Answers::atOnce,
                               const core::Clock& clock = core::systemClock())
      : _clock(clock) {
    if (answers == Answers::late) _thread = std::thread([this] { run(); });
  }
  /// Answers what is asked still.
  ~MemoryRegistrations() override {
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

  void lookUp(std::string node, Callback<Found> done) const override {
    ask<Found>([this, node = std::move(node)]() -> core::Result<Found> { return holderOf(node).second; },
               std::move(done));
  }

  void lookUp(const store::DeviceKey& key, Callback<Found> done) const override {
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
          if (key.device.empty() || domain.empty() || target.value.empty()) {
            return core::Error{"A value is missing."};
          }
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

 private:
  using Key = std::tuple<store::Service, std::string, std::string>;

  static Key keyOf(const store::DeviceKey& key) { return {key.service, key.device, key.channel}; }

  std::pair<Key, Found> holderOf(const std::string& node) const {
    for (const auto& [key, registration] : _devices) {
      if (registration.node == node) return {key, registration};
    }
    return {};
  }

  store::Registration enrol(const store::DeviceKey& key, const std::string& domain,
                            const core::Target& target) {
    const auto now = std::chrono::floor<std::chrono::seconds>(_clock.wallTime());
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
      registration.lastRegistered = now;
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

  const core::Clock& _clock;
  mutable std::mutex _mutex;
  mutable std::condition_variable _wake;
  std::map<Key, store::Registration> _devices;
  mutable std::deque<core::UniqueFunction<void()>> _asked;
  std::string _fault;
  unsigned _made = 0;
  bool _stopping = false;
  std::thread _thread;
};

}  // namespace p2::test
