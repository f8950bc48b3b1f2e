#pragma once

#include "p2/core/Clock.h"
#include "p2/store/RegistrationArchive.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace p2::app {

/// Removes registrations that no phone has renewed for `store.expireAfter` of the time in which it could
/// have, in a thread of its own: soon after the start and then every hour, a small part at a time beside the
/// traffic. Has that time stored every few minutes and at the end. Thread-safe.
class Expiry {
 public:
  static constexpr std::chrono::minutes kFirst{1};
  static constexpr std::chrono::hours kInterval{1};
  static constexpr std::chrono::minutes kSave{5};

  /// `expireAfter`: zero keeps everything. `store` and `clock` must outlive this object.
  Expiry(store::RegistrationArchive& store, std::chrono::seconds expireAfter,
         const core::Clock& clock = core::systemClock());
  Expiry(const Expiry&) = delete;
  Expiry& operator=(const Expiry&) = delete;
  /// Waits for a part that is being removed, and has the time stored.
  ~Expiry();

  /// From the next run on.
  void setExpireAfter(std::chrono::seconds expireAfter);

 private:
  void run();
  core::Result<store::RegistrationArchive::Swept> removeSome(std::chrono::seconds expireAfter);
  void removeAll(std::chrono::seconds expireAfter);
  void saveServiceTime();
  bool stopping() const;

  store::RegistrationArchive& _store;
  const core::Clock& _clock;
  mutable std::mutex _mutex;
  std::condition_variable _wake;
  std::chrono::seconds _expireAfter;
  bool _stopping = false;
  std::thread _thread;
};

}  // namespace p2::app
