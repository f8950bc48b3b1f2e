#include "FoundCache.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace p2::mariadb {

namespace {

using core::Clock;
using store::Registration;

/// What an entry takes, as far as it is known: malloc and the tree add to what its strings hold.
std::size_t bytesOf(const Registration& entry) {
  constexpr std::size_t kOverhead = sizeof(Registration) + 128;
  return kOverhead + entry.node.size() + entry.secret.reveal().size() + entry.key.device.size() +
         entry.key.channel.size() + entry.domain.size() + entry.target.value.reveal().size();
}

}  // namespace

void FoundCache::Generation::insert(const Registration& entry) {
  erase(entry.node);
  entries.insert(entry);
  bytes += bytesOf(entry);
}

void FoundCache::Generation::erase(const std::string& node) {
  const auto found = entries.find(node);
  if (found == entries.end()) return;
  bytes -= bytesOf(*found);
  entries.erase(found);
}

std::optional<Registration> FoundCache::find(const std::string& node) const {
  const auto earliest = _options.clock->now() - _options.cacheFor;
  return _state.with([&](const State& state) -> std::optional<Registration> {
    for (const Generation* generation : {&state.young, &state.old}) {
      const auto found = generation->entries.find(node);
      if (found == generation->entries.end()) continue;
      if (generation->began <= earliest) return std::nullopt;
      return *found;
    }
    return std::nullopt;
  });
}

FoundCache::Reading FoundCache::begin() const {
  return {_state.with([](const State& state) { return state.changes; }), _options.clock->now()};
}

void FoundCache::put(const Registration& found, const Reading& reading) {
  if (_options.cacheFor <= std::chrono::seconds::zero()) return;
  Generation ended;  // Its many entries are freed when others may go on.
  _state.with([&](State& state) {
    // What was read may be how it was before a change that has been told since.
    if (std::max(state.changed[slotOf(found.node)], state.allChanged) > reading.changes) return;
    const bool isLate = reading.began >= state.young.began + Clock::Duration(_options.cacheFor) / 2;
    if (isLate || state.young.bytes + bytesOf(found) > _options.cacheBytes / 2) {
      ended = std::exchange(state.old, std::exchange(state.young, Generation()));
      state.young.began = reading.began;
    }
    if (reading.began < state.young.began) return;
    state.old.erase(found.node);
    state.young.insert(found);
  });
}

void FoundCache::drop(std::span<const std::string> nodes) {
  if (nodes.empty()) return;
  _state.with([&](State& state) {
    ++state.changes;
    for (const auto& node : nodes) {
      state.changed[slotOf(node)] = state.changes;
      state.young.erase(node);
      state.old.erase(node);
    }
  });
}

void FoundCache::dropAll() {
  Generation young;
  Generation old;
  _state.with([&](State& state) {
    state.allChanged = ++state.changes;
    young = std::exchange(state.young, Generation());
    old = std::exchange(state.old, Generation());
  });
}

}  // namespace p2::mariadb
