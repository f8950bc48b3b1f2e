#pragma once

#include <chrono>
#include <string>

namespace p2::core {

/// Civil time. To be used instead of std::chrono::system_clock::now(): on a 32-bit machine the C++ library
/// that is linked in may have a clock that ends in January 2038. Thread-safe.
std::chrono::system_clock::time_point wallTime() noexcept;

/// Where time comes from. The daemon uses `systemClock()`; tests pass one that runs faster. Thread-safe.
class Clock {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  virtual ~Clock() = default;

  /// Monotonic time, for deadlines and intervals.
  virtual TimePoint now() const noexcept = 0;
  /// Civil time, for what is stored or sent: registration times, JWT claims.
  virtual std::chrono::system_clock::time_point wallTime() const noexcept = 0;
  /// Whether civil time can be right. A machine whose clock stands still while it is off begins in 1970, or
  /// where it was switched off, until somebody sets it: so long nothing is dated, signed or judged by it.
  virtual bool isSet() const noexcept { return true; }
  /// The moment of std::chrono::steady_clock at which `now()` will be `deadline`: what a condition variable
  /// waits for.
  virtual TimePoint realDeadline(TimePoint deadline) const noexcept = 0;
};

/// Whether it can be now: not before this p2 was made, nor decades after. Pure.
bool isPlausible(std::chrono::system_clock::time_point time) noexcept;

/// The machine's own clocks, set while what they show is plausible. Immutable, lives as long as the program.
const Clock& systemClock() noexcept;

/// What is to be said of a clock that is not set; empty if it is.
std::string faultOf(const Clock& clock);

/// When something began: if the clock was not set then, told as it is since it was. A value.
class Moment {
 public:
  /// Now.
  explicit Moment(const Clock& clock = systemClock()) noexcept;

  /// By the civil clock; `clock` is the one of before.
  std::chrono::system_clock::time_point civil(const Clock& clock = systemClock()) const noexcept;

 private:
  Clock::TimePoint _at;
  std::chrono::system_clock::time_point _shown;
  bool _wasSet;
};

/// Time that runs `factor` times as fast from its creation on, so that long waits can be tested. Immutable.
class ScaledClock final : public Clock {
 public:
  explicit ScaledClock(unsigned factor) noexcept;

  TimePoint now() const noexcept override;
  std::chrono::system_clock::time_point wallTime() const noexcept override;
  TimePoint realDeadline(TimePoint deadline) const noexcept override;

 private:
  const unsigned _factor;
  const TimePoint _start;
  const std::chrono::system_clock::time_point _wallStart;
};

}  // namespace p2::core
