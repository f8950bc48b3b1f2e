#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace p2::store {

/// A queue between threads that holds at most `capacity` items. Each belongs to a flow: those of one domain,
/// say. Flows take turns, one item each, and inside a flow the first in is the first out, so a flow that is
/// long delays only itself. The flow without a name goes before all others: nothing that was queued after one
/// of its items comes before that. When the queue is full, an item of a flow that is shorter takes the place
/// of the newest one of the longest flow. Thread-safe.
template <class T>
class FairQueue {
 public:
  explicit FairQueue(std::size_t capacity) : _capacity(capacity) {}
  FairQueue(const FairQueue&) = delete;
  FairQueue& operator=(const FairQueue&) = delete;

  /// Appends `item`; does not block. Gives back what there is no room for, if anything: the item itself, also
  /// if the queue is closed, or the one that had to give way.
  [[nodiscard]] std::optional<T> push(const std::string& flow, T item) {
    std::optional<T> displaced;
    {
      const std::scoped_lock lock(_mutex);
      if (_closed) return std::optional<T>(std::move(item));
      if (_size >= _capacity) {
        displaced = makeRoom(flow);
        if (!displaced) return std::optional<T>(std::move(item));
      }
      append(flow, std::move(item));
    }
    _changed.notify_one();
    return displaced;
  }

  /// Takes up to `most` items, waiting for the first. Empty only when the queue is closed and drained.
  std::vector<T> popBatch(std::size_t most) {
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [this] { return _closed || _size > 0; });
    std::vector<T> batch;
    while (_size > 0 && batch.size() < most) batch.push_back(take());
    return batch;
  }

  /// Refuses new items from now on; what is queued can still be taken.
  void close() {
    {
      const std::scoped_lock lock(_mutex);
      _closed = true;
    }
    _changed.notify_all();
  }

 private:
  struct Flow {
    std::string name;
    std::deque<T> items{};  ///< Never empty while nobody looks.
  };
  using Place = typename std::list<Flow>::iterator;

  std::optional<T> makeRoom(const std::string& flow) {
    const auto own = _byName.find(flow);
    const std::size_t length = own == _byName.end() ? 0 : own->second->items.size();
    if (_byLength.empty() || _byLength.rbegin()->first <= length + 1) return std::nullopt;
    const Place longest = _byName.at(_byLength.rbegin()->second);
    std::optional<T> newest;
    resize(longest, [&] {
      newest = std::move(longest->items.back());
      longest->items.pop_back();
    });
    --_size;
    return newest;
  }

  void append(const std::string& flow, T item) {
    const auto found = _byName.find(flow);
    const auto turn = flow.empty() ? _turns.begin() : _turns.end();
    const auto place = found == _byName.end() ? _turns.insert(turn, Flow{flow}) : found->second;
    if (found == _byName.end()) _byName.emplace(place->name, place);
    resize(place, [&] { place->items.push_back(std::move(item)); });
    ++_size;
  }

  /// The oldest item of the flow whose turn it is.
  T take() {
    const auto place = _turns.begin();
    std::optional<T> oldest;
    resize(place, [&] {
      oldest = std::move(place->items.front());
      place->items.pop_front();
    });
    --_size;
    if (place->items.empty()) {
      _byName.erase(place->name);
      _turns.erase(place);
    } else if (!place->name.empty()) {
      _turns.splice(_turns.end(), _turns, place);
    }
    return std::move(*oldest);
  }

  template <class Change>
  void resize(Place place, const Change& change) {
    _byLength.erase({place->items.size(), place->name});
    change();
    if (!place->items.empty()) _byLength.emplace(place->items.size(), place->name);
  }

  const std::size_t _capacity;
  std::mutex _mutex;
  std::condition_variable _changed;
  std::size_t _size = 0;
  bool _closed = false;
  std::list<Flow> _turns;                                        ///< The first is the next to be served.
  std::unordered_map<std::string_view, Place> _byName;           ///< Views into Flow::name.
  std::set<std::pair<std::size_t, std::string_view>> _byLength;  ///< Likewise.
};

}  // namespace p2::store
