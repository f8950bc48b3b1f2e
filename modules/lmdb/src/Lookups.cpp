#include "Lookups.h"

#include <chrono>
#include <exception>
#include <functional>
#include <system_error>
#include <utility>

namespace p2::lmdb {

namespace {

using core::Error;

// A card does several reads at a time not much slower than one.
constexpr std::size_t kThreads = 3;
constexpr std::uint64_t kRecently = 60;  // seconds
constexpr std::uint64_t kTimeBits = 24;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

// What this thread looks up waits for the disk anyway.
thread_local bool isLookupThread = false;

void tell(Lookups::Callback& done, core::Result<Lookups::Found> result) noexcept {
  try {
    done(std::move(result));
  } catch (...) {
    // A callback must not throw. If it does, it has been told all the same, and the others must be.
  }
}

}  // namespace

Lookups::Lookups(const core::Clock& clock, const Residency& residency, std::size_t capacity, Find find)
    : _clock(clock),
      _residency(residency),
      _capacity(capacity),
      _find(std::move(find)),
      _nodes(capacity),
      _devices(capacity) {}

void Lookups::stop() {
  _nodes.close();
  _devices.close();
  for (auto& thread : _threads) thread.join();
  _threads.clear();
}

/// Its hash, and when that is: 0 is none.
std::uint64_t Lookups::markOf(const std::string& node) const {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(_clock.now().time_since_epoch()).count();
  const std::uint64_t hash = std::hash<std::string>{}(node)*0x9E3779B97F4A7C15ULL;
  return (hash & ~kTimeMask) | (static_cast<std::uint64_t>(now) & kTimeMask);
}

bool Lookups::atOnce(const std::string& node) {
  if (_residency.isWhole() || isLookupThread) return true;
  const auto mark = markOf(node);
  auto& known = _recent[(mark >> kTimeBits) % _recent.size()];
  const auto last = known.load(std::memory_order_relaxed);
  const bool isSame = (last & ~kTimeMask) == (mark & ~kTimeMask);
  if (!isSame || ((mark - last) & kTimeMask) > kRecently) return false;
  known.store(mark, std::memory_order_relaxed);
  return true;
}

bool Lookups::atOnce(const store::DeviceKey& /*key*/) const {
  return isLookupThread || (_residency.isWhole() && _devicesWaiting == 0);
}

void Lookups::ask(Name name, Callback done) {
  try {
    std::call_once(_begun, [this] { begin(); });
  } catch (const std::system_error& exception) {
    return tell(done, Error{std::string("The store cannot start its threads: ") + exception.what() + "."});
  }
  const bool isDevice = std::holds_alternative<store::DeviceKey>(name);
  if (isDevice) ++_devicesWaiting;
  auto refused = (isDevice ? _devices : _nodes).push({std::move(name), std::move(done)});
  if (!refused) return;
  if (isDevice) --_devicesWaiting;
  tell(refused->done, Error{"The store is busy: " + std::to_string(_capacity) +
                            " look-ups are waiting for the disk, or it is closing."});
}

void Lookups::begin() {
  while (_threads.size() < kThreads) _threads.emplace_back([this] { run(_nodes); });
  _threads.emplace_back([this] { run(_devices); });
}

void Lookups::run(Queue& queue) {
  isLookupThread = true;
  for (;;) {
    auto batch = queue.popBatch(1);
    if (batch.empty()) return;
    answer(batch.front());
  }
}

void Lookups::answer(Sought& sought) {
  auto found = [&]() -> core::Result<Found> {
    try {
      return _find(sought.name);
    } catch (const std::exception& exception) {
      return Error{std::string("The store cannot be read: ") + exception.what() + "."};
    }
  }();
  const auto* node = std::get_if<std::string>(&sought.name);
  if (node != nullptr) {
    const auto mark = markOf(*node);
    _recent[(mark >> kTimeBits) % _recent.size()].store(mark, std::memory_order_relaxed);
  }
  tell(sought.done, std::move(found));
  if (node == nullptr) --_devicesWaiting;
}

}  // namespace p2::lmdb
