#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace p2::proxy {

/// Tells the operator, in time to mend it, that servers push for what is not in the store: a minute after the
/// first such push, and then every ten minutes in which there are some. Thread-safe.
class UnknownLog {
 public:
  explicit UnknownLog(const core::Clock& clock) : _clock(clock) {}

  /// A push for what is there. Lock-free.
  void found() noexcept { _found.fetch_add(1, std::memory_order_relaxed); }
  /// A push for what is not.
  void missed();
  /// Logs a line if it is time for one: to be called every second or so.
  void watch();

 private:
  struct Window {
    core::Clock::TimePoint begin;
    core::Clock::TimePoint end;
    std::uint64_t foundBefore;
    std::uint64_t missed = 0;
  };
  struct State {
    std::optional<Window> window;  ///< Since the first push for what is not there after the last line.
    std::optional<core::Clock::TimePoint> lastLine;
  };

  const core::Clock& _clock;
  std::atomic<std::uint64_t> _found{0};
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
