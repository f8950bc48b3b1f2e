#include "daemon/Expiry.h"

#include "daemon/Logger.h"

#include <algorithm>
#include <cstdint>
#include <future>
#include <string>

namespace p2::app {

namespace {

// Removed with one call: the store splits it further, and other changes go between.
constexpr std::size_t kPart = 5000;

}  // namespace

Expiry::Expiry(store::RegistrationArchive& store, std::chrono::seconds expireAfter, const core::Clock& clock)
    : _store(store), _clock(clock), _expireAfter(expireAfter), _thread([this] { run(); }) {}

Expiry::~Expiry() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
  }
  _wake.notify_all();
  _thread.join();
}

void Expiry::setExpireAfter(std::chrono::seconds expireAfter) {
  const std::scoped_lock lock(_mutex);
  _expireAfter = expireAfter;
}

bool Expiry::stopping() const {
  const std::scoped_lock lock(_mutex);
  return _stopping;
}

void Expiry::run() {
  auto removal = _clock.now() + kFirst;
  auto saving = _clock.now() + kSave;
  std::unique_lock lock(_mutex);
  while (
      !_wake.wait_until(lock, _clock.realDeadline(std::min(removal, saving)), [this] { return _stopping; })) {
    const auto expireAfter = _expireAfter;
    lock.unlock();
    if (_clock.now() >= saving) {
      saveServiceTime();
      saving = _clock.now() + kSave;
    }
    if (_clock.now() >= removal) {
      if (expireAfter > std::chrono::seconds::zero()) removeAll(expireAfter);
      removal = _clock.now() + kInterval;
    }
    lock.lock();
  }
  saveServiceTime();
}

/// What fails does not count: phones only get more time.
void Expiry::saveServiceTime() {
  _store.saveServiceTime([](const core::Result<void>&) {});
}

/// One part. A callback that is dropped, for lack of memory, is an error too, and not waited for.
core::Result<store::RegistrationArchive::Swept> Expiry::removeSome(std::chrono::seconds expireAfter) {
  std::promise<core::Result<store::RegistrationArchive::Swept>> promise;
  auto outcome = promise.get_future();
  _store.removeExpired(
      expireAfter, kPart,
      [promise = std::move(promise)](core::Result<store::RegistrationArchive::Swept> result) mutable {
        promise.set_value(std::move(result));
      });
  try {
    return outcome.get();
  } catch (const std::future_error&) {
    return core::Error{"The store gave no answer."};
  }
}

void Expiry::removeAll(std::chrono::seconds expireAfter) {
  std::uint64_t removed = 0;
  std::uint64_t unreadable = 0;
  for (bool more = true; more && !stopping();) {
    const auto result = removeSome(expireAfter);
    if (!result) {
      logger().error("registrations cannot be expired: " + result.error());
      return;
    }
    removed += result.value().changed;
    more = result.value().more;
    unreadable = result.value().unreadable;
  }
  if (unreadable > 0) {
    logger().warning(std::to_string(unreadable) +
                     " records of registrations cannot be read and were passed over; p2 list names them");
  }
  if (removed > 0) {
    logger().information(
        "removed " + std::to_string(removed) + " registrations that were not renewed for " +
        std::to_string(std::chrono::duration_cast<std::chrono::hours>(expireAfter).count() / 24) + " days");
  }
}

}  // namespace p2::app
