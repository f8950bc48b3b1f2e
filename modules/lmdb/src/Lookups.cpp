#include "Lookups.h"

#include "p2/store/Tell.h"

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
constexpr const char* kClosing = "The store is closing.";
constexpr std::uint64_t kTimeBits = 24;
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;

thread_local bool isLookupThread = false;

std::size_t hashOf(const std::string& node) {
  return std::hash<std::string>{}(node);
}

std::size_t hashOf(const store::DeviceKey& key) {
  return hashOf(key.device) ^ (hashOf(key.channel) * 31);
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
  _closing = true;
  _nodes.close();
  _devices.close();
  auto threads = _threads.with([](auto& begun) { return std::exchange(begun, {}); });
  for (auto& thread : threads) thread.join();
}

/// Its hash, and when that is: 0 is none.
std::uint64_t Lookups::markOf(std::size_t hash) const {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(_clock.now().time_since_epoch()).count();
  const std::uint64_t spread = hash * 0x9E3779B97F4A7C15ULL;
  return (spread & ~kTimeMask) | (static_cast<std::uint64_t>(now) & kTimeMask);
}

bool Lookups::wasLookedUp(std::size_t hash) {
  const auto mark = markOf(hash);
  auto& known = _recent[(mark >> kTimeBits) % _recent.size()];
  const auto last = known.load(std::memory_order_relaxed);
  const bool isSame = (last & ~kTimeMask) == (mark & ~kTimeMask);
  if (!isSame || ((mark - last) & kTimeMask) > kRecently) return false;
  known.store(mark, std::memory_order_relaxed);
  return true;
}

void Lookups::noteLookedUp(std::size_t hash) {
  const auto mark = markOf(hash);
  _recent[(mark >> kTimeBits) % _recent.size()].store(mark, std::memory_order_relaxed);
}

bool Lookups::mayWaitHere() noexcept {
  return isLookupThread;
}

bool Lookups::atOnce(const std::string& node) {
  return _residency.isWhole() || wasLookedUp(hashOf(node));
}

bool Lookups::atOnce(const store::DeviceKey& key) {
  const auto hash = hashOf(key);
  if (_devicesWaiting.with([hash](const auto& waiting) { return waiting.contains(hash); })) return false;
  return _residency.isWhole() || wasLookedUp(hash);
}

void Lookups::ask(Name name, const std::string& flow, Callback done) {
  try {
    if (!begin()) return store::tell(done, Error{kClosing});
  } catch (const std::system_error& exception) {
    return store::tell(done,
                       Error{std::string("The store cannot start its threads: ") + exception.what() + "."});
  }
  const auto* device = std::get_if<store::DeviceKey>(&name);
  const bool isDevice = device != nullptr;
  if (isDevice) _devicesWaiting.with([hash = hashOf(*device)](auto& waiting) { waiting.insert(hash); });
  auto refused = (isDevice ? _devices : _nodes).push(flow, {std::move(name), std::move(done), _clock.now()});
  if (!refused) return;
  store::tell(refused->done, Error{_closing ? std::string(kClosing)
                                            : "The store is busy: " + std::to_string(_capacity) +
                                                  " look-ups are waiting for the disk."});
  leave(refused->name);
}

/// Gives whether the threads are there. While it stops none begins, or there would be nobody to join it.
bool Lookups::begin() {
  return _threads.with([this](auto& threads) {
    if (_closing) return false;
    while (threads.size() < kThreads) threads.emplace_back([this] { run(_nodes); });
    if (threads.size() == kThreads) threads.emplace_back([this] { run(_devices); });
    return true;
  });
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
  store::tell(sought.done, look(sought));
  leave(sought.name);
}

/// After a disk has stood still nothing is read for those who have been told so meanwhile.
core::Result<Lookups::Found> Lookups::look(const Sought& sought) {
  if (_closing) return Error{kClosing};
  if (_clock.now() - sought.since > store::Registrations::kPatience) {
    return Error{"The store's disk takes longer for each look-up than they come."};
  }
  try {
    auto found = _find(sought.name);
    noteLookedUp(std::visit([](const auto& name) { return hashOf(name); }, sought.name));
    return found;
  } catch (const std::exception& exception) {
    return Error{std::string("The store cannot be read: ") + exception.what() + "."};
  }
}

/// Not before it was told: what is asked next of the same device must come behind it.
void Lookups::leave(const Name& name) {
  const auto* device = std::get_if<store::DeviceKey>(&name);
  if (device == nullptr) return;
  _devicesWaiting.with([hash = hashOf(*device)](auto& waiting) { waiting.erase(waiting.find(hash)); });
}

}  // namespace p2::lmdb
