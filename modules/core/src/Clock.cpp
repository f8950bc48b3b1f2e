#include "p2/core/Clock.h"

#include <ctime>

namespace p2::core {

namespace {

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wallTime() const noexcept override { return core::wallTime(); }
  TimePoint realDeadline(TimePoint deadline) const noexcept override { return deadline; }
};

}  // namespace

std::chrono::system_clock::time_point wallTime() noexcept {
  using std::chrono::system_clock;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto since = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since));
}

const Clock& systemClock() noexcept {
  static const SystemClock clock;
  return clock;
}

ScaledClock::ScaledClock(unsigned factor) noexcept
    : _factor(factor), _start(std::chrono::steady_clock::now()), _wallStart(core::wallTime()) {}

Clock::TimePoint ScaledClock::now() const noexcept {
  return _start + (std::chrono::steady_clock::now() - _start) * _factor;
}

std::chrono::system_clock::time_point ScaledClock::wallTime() const noexcept {
  return _wallStart + std::chrono::duration_cast<std::chrono::system_clock::duration>(now() - _start);
}

Clock::TimePoint ScaledClock::realDeadline(TimePoint deadline) const noexcept {
  if (deadline == TimePoint::max()) return deadline;
  return _start + (deadline - _start) / _factor;
}

}  // namespace p2::core
