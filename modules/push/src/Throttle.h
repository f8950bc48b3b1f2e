#pragma once

#include "p2/core/Backoff.h"
#include "p2/core/Clock.h"
#include "p2/push/Outcome.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace p2::push {

/// Decides how many messages may be under way while the push service is in trouble. Engaged, it lets none
/// start until its time is over, then one as a probe, then one more for every message that gets through: the
/// number doubles with each round trip, until there is no limit again. If a probe fails it is engaged anew.
///
/// A single failure among many successes engages nothing: at least a quarter of the recent answers (some 16)
/// must be throttled ones. So one overloaded backend, or one device above its own quota, does not stop
/// everybody. Messages that were under way when the throttle was engaged neither prolong its doubling nor end
/// it.
///
/// Pure: time is passed in. Not thread-safe.
class Throttle {
 public:
  using TimePoint = core::Clock::TimePoint;
  using Duration = core::Clock::Duration;
  /// Tells messages that started before the throttle was last engaged from those that started after it.
  using Epoch = std::uint64_t;

  struct Options {
    std::chrono::milliseconds quota{60000};  ///< Duration if a quota is exceeded without a Retry-After.
    std::chrono::milliseconds first{250};    ///< Bound of the first duration for a server error without one.
    std::chrono::milliseconds most{60000};   ///< Bound of that duration, which doubles while errors continue.
    std::chrono::milliseconds longest{600000};  ///< A Retry-After beyond this is cut: then one probe is sent.
  };

  explicit Throttle(const Options& options, std::uint64_t seed = std::random_device{}());

  /// How many more messages may start now.
  std::size_t allowance(TimePoint now) const noexcept;
  /// No message starts before this time. In the past if the throttle is not engaged.
  TimePoint until() const noexcept { return _until; }

  /// A message starts. Its `end` must follow, with what this gives.
  Epoch start() noexcept;
  /// A message has ended. The limit is lifted once it reaches `lift`. Gives whether the throttle is engaged
  /// by this or holds longer because of it.
  bool end(Epoch epoch, const Outcome& outcome, TimePoint now, std::size_t lift);
  /// How long the push service or, for want of its word, the options ask to wait. Zero if it is not known.
  Duration wait(const Outcome& outcome) const noexcept;

 private:
  bool failed(bool current, const Outcome& outcome, TimePoint now);
  void succeeded(bool current, std::size_t lift) noexcept;

  const Options _options;
  core::Backoff _backoff;
  TimePoint _until{};
  std::size_t _limit = 0;    ///< Messages under way at most; 0: no limit.
  std::size_t _running = 0;  ///< Messages under way that started in this epoch.
  Epoch _epoch = 0;
  double _successes = 0;  ///< Recent ones, older ones weighing less.
  double _failures = 0;
};

}  // namespace p2::push
