#pragma once

#include <mutex>
#include <utility>

namespace p2::core {

/// Data that can be reached only while its mutex is held. Thread-safe.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : _data(std::forward<Args>(args)...) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// Runs `function(T&)` under the lock and gives its result. The function must not call out or do I/O.
  template <class Function>
  decltype(auto) with(Function&& function) {
    const std::scoped_lock lock(_mutex);
    return std::forward<Function>(function)(_data);
  }
  template <class Function>
  decltype(auto) with(Function&& function) const {
    const std::scoped_lock lock(_mutex);
    return std::forward<Function>(function)(std::as_const(_data));
  }

 private:
  mutable std::mutex _mutex;
  T _data;
};

}  // namespace p2::core
