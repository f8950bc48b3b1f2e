#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace p2::core {

/// A queue between threads that holds at most `capacity` items: when it is full, `push` says so at once
/// instead of waiting. Thread-safe.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : _capacity(capacity) {}

  /// Appends `item`; does not block. Gives the item back if the queue is full or closed.
  [[nodiscard]] std::optional<T> push(T item) {
    {
      const std::scoped_lock lock(_mutex);
      if (_closed || _items.size() >= _capacity) return std::optional<T>(std::move(item));
      _items.push_back(std::move(item));
    }
    _changed.notify_one();
    return std::nullopt;
  }

  /// Takes up to `most` items, in order, waiting for the first. Empty only when the queue is closed and
  /// drained.
  std::vector<T> popBatch(std::size_t most) {
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [this] { return _closed || !_items.empty(); });
    std::vector<T> batch;
    while (!_items.empty() && batch.size() < most) {
      batch.push_back(std::move(_items.front()));
      _items.pop_front();
    }
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

  std::size_t size() const {
    const std::scoped_lock lock(_mutex);
    return _items.size();
  }

 private:
  const std::size_t _capacity;
  mutable std::mutex _mutex;
  std::condition_variable _changed;
  std::deque<T> _items;
  bool _closed = false;
};

}  // namespace p2::core
