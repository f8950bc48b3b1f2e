#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace p2::lmdb {

/// Lets many in at a time, or one alone, who is not starved by the many (std::shared_mutex may do that). Not
/// to be entered twice by one thread. Thread-safe.
class Gate {
 public:
  /// Inside together with others; as long as it lives.
  class Pass {
   public:
    /// Waits while somebody is alone, or waits to be.
    explicit Pass(Gate& gate) : _gate(&gate) { gate.enter(); }
    /// The same without waiting: nothing if it would have to.
    static std::optional<Pass> withoutWaiting(Gate& gate) {
      if (!gate.tryEnter()) return std::nullopt;
      return Pass(&gate);
    }
    Pass(Pass&& other) noexcept : _gate(std::exchange(other._gate, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (_gate != nullptr) _gate->leave();
    }

   private:
    explicit Pass(Gate* entered) : _gate(entered) {}

    Gate* _gate;
  };

  /// Inside alone; as long as it lives.
  class Alone {
   public:
    explicit Alone(Gate& gate) : _gate(gate) { gate.close(); }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;
    ~Alone() { _gate.open(); }

   private:
    Gate& _gate;
  };

 private:
  void enter() {
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [this] { return !_closed; });
    ++_inside;
  }

  bool tryEnter() {
    const std::scoped_lock lock(_mutex);
    if (!_closed) ++_inside;
    return !_closed;
  }

  void leave() {
    const std::scoped_lock lock(_mutex);
    if (--_inside == 0 && _closed) _changed.notify_all();
  }

  void close() {
    std::unique_lock lock(_mutex);
    _changed.wait(lock, [this] { return !_closed; });
    _closed = true;
    _changed.wait(lock, [this] { return _inside == 0; });
  }

  void open() {
    const std::scoped_lock lock(_mutex);
    _closed = false;
    _changed.notify_all();
  }

  std::mutex _mutex;
  std::condition_variable _changed;
  std::size_t _inside = 0;
  bool _closed = false;
};

}  // namespace p2::lmdb
