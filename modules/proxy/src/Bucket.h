#pragma once

#include "p2/core/Clock.h"

#include <algorithm>
#include <chrono>

namespace p2::proxy {

/// How often something may happen in the long run, and at once after a quiet time.
struct Rate {
  double perSecond = 0;  ///< 0: as often as it likes.
  double burst = 0;

  bool limits() const noexcept { return perSecond > 0; }
};

/// A leaky bucket: what happened fills it, time empties it. A new one is empty. Used by one thread at a time.
class Bucket {
 public:
  /// What is in it now.
  double level(const Rate& rate, core::Clock::TimePoint now) {
    const std::chrono::duration<double> elapsed = now - _looked;
    _level = std::max(0.0, _level - elapsed.count() * rate.perSecond);
    _looked = now;
    return _level;
  }
  /// Whether there is room for one more.
  bool hasRoom(const Rate& rate, core::Clock::TimePoint now) {
    return !rate.limits() || level(rate, now) + 1 <= rate.burst;
  }
  /// Puts one more in. REQUIRES: there is room.
  void add(const Rate& rate) {
    if (rate.limits()) _level += 1;
  }
  /// Puts one more in if there is room.
  bool take(const Rate& rate, core::Clock::TimePoint now) {
    if (!hasRoom(rate, now)) return false;
    add(rate);
    return true;
  }
  /// Takes one out, if any is in it.
  void remove() { _level = std::max(0.0, _level - 1); }

 private:
  double _level = 0;
  core::Clock::TimePoint _looked{};
};

}  // namespace p2::proxy
