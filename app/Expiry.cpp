#include "Expiry.h"

#include <Poco/Logger.h>

#include <cstdint>
#include <future>
#include <string>

namespace p2::app {

namespace {

// Removed with one call: the store splits it further, and other changes go between.
constexpr std::size_t kPart = 5000;

Poco::Logger& logger() {
  return Poco::Logger::get("p2");
}

}  // namespace

Expiry::Expiry(store::Store& store, std::chrono::seconds expireAfter, const core::Clock& clock)
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
  auto next = _clock.now() + kFirst;
  std::unique_lock lock(_mutex);
  while (!_wake.wait_until(lock, _clock.realDeadline(next), [this] { return _stopping; })) {
    const auto expireAfter = _expireAfter;
    lock.unlock();
    if (expireAfter > std::chrono::seconds::zero()) removeAll(expireAfter);
    next = _clock.now() + kInterval;
    lock.lock();
  }
}

void Expiry::removeAll(std::chrono::seconds expireAfter) {
  const auto olderThan = std::chrono::floor<std::chrono::seconds>(_clock.wallTime()) - expireAfter;
  std::uint64_t removed = 0;
  for (bool more = true; more && !stopping();) {
    std::promise<core::Result<store::Store::Expiry>> promise;
    auto outcome = promise.get_future();
    _store.removeExpired(olderThan, kPart, [&promise](core::Result<store::Store::Expiry> result) {
      promise.set_value(std::move(result));
    });
    const auto result = outcome.get();
    if (!result) {
      logger().error("registrations cannot be expired: " + result.error());
      return;
    }
    removed += result.value().removed;
    more = result.value().more;
  }
  if (removed > 0) {
    logger().information(
        "removed " + std::to_string(removed) + " registrations that were not renewed for " +
        std::to_string(std::chrono::duration_cast<std::chrono::hours>(expireAfter).count() / 24) + " days");
  }
}

}  // namespace p2::app
