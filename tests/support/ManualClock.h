#pragma once

#include "p2/core/Clock.h"

#include <atomic>
#include <chrono>

namespace p2::test {

/// Time that stands still until a test moves it. For code that asks for the time, not for code that waits.
/// Thread-safe.
class ManualClock final : public core::Clock {
 public:
  TimePoint now() const noexcept override { return TimePoint(Duration(_elapsed.load())); }
  std::chrono::system_clock::time_point wallTime() const noexcept override {
    return std::chrono::system_clock::from_time_t(1700000000) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(Duration(_elapsed.load()));
  }
  TimePoint realDeadline(TimePoint deadline) const noexcept override { return deadline; }

  void advance(Duration by) { _elapsed += by.count(); }

 private:
  std::atomic<Duration::rep> _elapsed{std::chrono::duration_cast<Duration>(std::chrono::hours(1)).count()};
};

}  // namespace p2::test
