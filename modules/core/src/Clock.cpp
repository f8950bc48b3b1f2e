#include "p2/core/Clock.h"

#include "p2/core/Version.h"
#include "p2/core/Words.h"

#include <ctime>

namespace p2::core {

namespace {

// A battery that is empty leaves years such as 2070 or 2099, too. No p2 is as old as that.
constexpr std::chrono::hours kLongestUse{24 * 365 * 30};

std::string dayOf(std::chrono::sys_seconds time) {
  return isoTime(time).substr(0, 10);
}

class SystemClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return std::chrono::steady_clock::now(); }
  std::chrono::system_clock::time_point wallTime() const noexcept override { return core::wallTime(); }
  bool isSet() const noexcept override { return isPlausible(wallTime()); }
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

bool isPlausible(std::chrono::system_clock::time_point time) noexcept {
  return time >= kMadeAt && time - kMadeAt <= kLongestUse;
}

const Clock& systemClock() noexcept {
  static const SystemClock clock;
  return clock;
}

std::string faultOf(const Clock& clock) {
  if (clock.isSet()) return {};
  return "this machine's clock shows " + isoTime(std::chrono::floor<std::chrono::seconds>(clock.wallTime())) +
         ", which cannot be, as this p2 is of " + dayOf(kMadeAt) +
         "; have it set by NTP (timedatectl set-ntp true)";
}

Moment::Moment(const Clock& clock) noexcept
    : _at(clock.now()), _shown(clock.wallTime()), _wasSet(clock.isSet()) {}

std::chrono::system_clock::time_point Moment::civil(const Clock& clock) const noexcept {
  if (_wasSet) return _shown;
  return clock.wallTime() -
         std::chrono::duration_cast<std::chrono::system_clock::duration>(clock.now() - _at);
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
