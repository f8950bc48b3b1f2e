#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace p2::store::test {

using namespace std::chrono_literals;

/// A directory that is gone at the end; in memory unless TMPDIR says where.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const std::filesystem::path shared = "/dev/shm";
    const bool inMemory = std::getenv("TMPDIR") == nullptr && std::filesystem::is_directory(shared);
    const auto base = inMemory ? shared : std::filesystem::temp_directory_path();
    std::string name = (base / "p2-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    _path = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(_path, ignored);
  }

  const std::filesystem::path& path() const { return _path; }
  std::filesystem::path operator/(const char* name) const { return _path / name; }

 private:
  std::filesystem::path _path;
};

/// A clock that is set by hand.
class HandClock final : public core::Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint(std::chrono::seconds(_passed)); }
  std::chrono::system_clock::time_point wallTime() const noexcept override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(_seconds));
  }
  bool isSet() const noexcept override { return _isSet; }
  TimePoint realDeadline(TimePoint deadline) const noexcept override { return deadline; }

  /// Whether what it shows is to be believed.
  void believe(bool isSet) { _isSet = isSet; }
  Registration::Time time() const { return Registration::Time(std::chrono::seconds(_seconds)); }
  /// Time passes.
  void advance(std::chrono::seconds by) {
    _passed += by.count();
    jump(by);
  }
  /// The civil time alone is set; so it is, too, when a suspended machine wakes up.
  void jump(std::chrono::seconds by) { _seconds += by.count(); }
  void set(Registration::Time time) { _seconds = time.time_since_epoch().count(); }

 private:
  std::atomic<bool> _isSet{true};
  std::atomic<std::int64_t> _passed{1000};
  std::atomic<std::int64_t> _seconds{1'700'000'000};
};

/// Where an answer arrives.
template <class T>
class Answer {
 public:
  Registrations::Callback<T> callback() {
    return [promise = _promise](core::Result<T> result) { promise->set_value(std::move(result)); };
  }
  bool arrived() const { return _future.wait_for(0s) == std::future_status::ready; }
  const core::Result<T>& get() const {
    if (_future.wait_for(60s) != std::future_status::ready) throw std::runtime_error("no answer came");
    return _future.get();
  }
  /// The value of an answer that is expected to be one.
  const auto& value() const {
    if (!get().ok()) throw std::runtime_error(get().error());
    return get().value();
  }

 private:
  std::shared_ptr<std::promise<core::Result<T>>> _promise = std::make_shared<std::promise<core::Result<T>>>();
  std::shared_future<core::Result<T>> _future = _promise->get_future().share();
};

inline core::Target token(const std::string& text) {
  return {core::Target::Kind::registrationToken, core::Secret(text)};
}

/// 40 hex characters, different for each number.
inline DeviceKey device(unsigned number, bool channel = false) {
  char text[41];
  std::snprintf(text, sizeof text, "%08x%032x", number * 2654435761U, number);
  return {Service::fcm, text, channel ? std::string(text).substr(20) + std::string(text).substr(0, 20) : ""};
}

/// A registration as an import brings it, different for each number.
inline Registration imported(unsigned number, Registration::Time time = Registration::Time(1'700'000'000s)) {
  char node[13];
  char secret[25];
  std::snprintf(node, sizeof node, "%08xnode", number * 2246822519U);
  std::snprintf(secret, sizeof secret, "secret%018u", number);
  return {node,
          core::Secret(secret),
          device(number),
          "example.org",
          token("token" + std::to_string(number)),
          time,
          time};
}

inline Answer<Registration> registering(Registrations& store, const DeviceKey& key, const std::string& text,
                                        const std::string& domain = "example.org") {
  Answer<Registration> answer;
  store.registerDevice(key, domain, token(text), answer.callback());
  return answer;
}

/// Registers and waits.
inline Registration registered(Registrations& store, const DeviceKey& key, const std::string& text,
                               const std::string& domain = "example.org") {
  return registering(store, key, text, domain).value();
}

inline bool unregistered(Registrations& store, const DeviceKey& key) {
  Answer<bool> answer;
  store.unregister(key, "example.org", answer.callback());
  return answer.value();
}

/// What Registrations::lookUp() finds.
template <class NodeOrKey>
std::optional<Registration> lookedUp(const Registrations& store, const NodeOrKey& what) {
  Answer<Registrations::Found> answer;
  store.lookUp(what, "example.org", answer.callback());
  return answer.value();
}

}  // namespace p2::store::test
