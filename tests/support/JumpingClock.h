#pragma once

#include "p2/core/Clock.h"

#include <atomic>

namespace p2::test {

/// Time that passes as it does and jumps when a test wants it: a wait of hours takes no time, and none of
/// those that must not be over yet ends early on a busy machine. Thread-safe; who waits already does not
/// notice a jump.
class JumpingClock final : public core::Clock {
 public:
  /// `isSet`: whether what it shows is to be believed.
  explicit JumpingClock(bool isSet = true) : _isSet(isSet) {}

  TimePoint now() const noexcept override { return std::chrono::steady_clock::now() + _jumped.load(); }
  std::chrono::system_clock::time_point wallTime() const noexcept override {
    return std::chrono::system_clock::now() +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(_jumped.load() + _set.load());
  }
  bool isSet() const noexcept override { return _isSet; }
  TimePoint realDeadline(TimePoint deadline) const noexcept override {
    return deadline == TimePoint::max() ? deadline : deadline - _jumped.load();
  }

  /// Sets civil time alone.
  void setWall(Duration by) { _set = _set.load() + by; }
  void believe(bool isSet) { _isSet = isSet; }
  void jump(Duration by) { _jumped = _jumped.load() + by; }

 private:
  std::atomic<Duration> _jumped{Duration::zero()};
  std::atomic<bool> _isSet;
  std::atomic<Duration> _set{Duration::zero()};
};

}  // namespace p2::test
