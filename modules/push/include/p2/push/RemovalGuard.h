#pragma once

#include "p2/core/Clock.h"
#include "p2/push/Outcome.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>

namespace p2::push {

/// Stands between the push service's verdict that a target is gone and the removal of its registration. When
/// the verdict comes for a large share of different nodes at once, the fault is ours (another project's
/// credentials, an old database), and removing would silence every phone: then the verdict becomes a retry.
///
/// It remembers the last verdict on each of the last `capacity` different nodes. It trips when at least
/// `minimum` of them are gone and these are more than `share`; it clears when the share is below half of
/// that. A node that is delivered to again counts as delivered from then on, so a repaired configuration
/// clears it within `capacity` deliveries at most; silence does not clear it, since it repairs nothing.
///
/// What follows from the defaults: a sudden fault costs at most 20 registrations, also at 10,000 pushes a
/// second, because the nodes that came before it have soon left the memory. An honest database where one node
/// in ten is dead does not trip. Where half of the nodes that are pushed to are dead it trips, and the dead
/// ones stay until live ones prevail: that costs messages to nobody, the other error costs users. A server
/// with fewer than `minimum` phones never trips: nothing tells a fault from three phones that were wiped.
///
/// Thread-safe.
class RemovalGuard {
 public:
  struct Options {
    std::size_t minimum = 20;         ///< Different nodes that must be gone before it trips.
    double share = 0.5;               ///< Share of gone among the nodes remembered above which it trips.
    std::size_t capacity = 40;        ///< Different nodes remembered.
    std::chrono::minutes window{10};  ///< Verdicts older than this are forgotten.
    /// Of verdicts that count only while others succeed (SENDER_ID_MISMATCH), how many in a row are believed
    /// since the last delivery.
    std::size_t mismatches = 3;
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the guard.
  };

  enum class Event { none, tripped, cleared };

  struct Judgement {
    Outcome outcome;            ///< What to act on.
    Event event = Event::none;  ///< What this verdict changed: for one line in the log.
  };

  /// REQUIRES: `minimum` is at least 1 and not above `capacity`.
  explicit RemovalGuard(const Options& options);

  /// Takes note of what became of a message to `node`. Gives it back, but a targetGone that must not be acted
  /// on as a retry: while tripped, or if it counts only while others succeed and none did within `window`.
  Judgement judge(std::string_view node, Outcome outcome);

  bool tripped() const;

 private:
  struct Verdict {
    std::size_t nodeHash;
    core::Clock::TimePoint time;
    bool gone;
  };

  void remember(std::string_view node, bool gone, core::Clock::TimePoint now);
  Event update() noexcept;
  /// Whether a verdict that counts only while others succeed may be believed; counts it.
  bool believable(core::Clock::TimePoint now) noexcept;

  const Options _options;
  mutable std::mutex _mutex;
  std::deque<Verdict> _verdicts;  ///< One a node, the oldest first.
  core::Clock::TimePoint _lastDelivery = core::Clock::TimePoint::min();
  std::size_t _mismatches = 0;  ///< Since the last delivery.
  bool _tripped = false;
};

}  // namespace p2::push
