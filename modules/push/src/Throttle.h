#pragma once

#include "p2/core/Backoff.h"
#include "p2/core/Clock.h"
#include "p2/push/Outcome.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace p2::push {

/// Decides how many messages may be under way while the push service, or the way to it, is in trouble.
/// Engaged, it lets none start until its time is over, then one as a probe, then one more for every message
/// that gets through: the number doubles with each round trip, until there is no limit again.
///
/// It weighs different targets and not answers, the last 64 of them: one that is above its own quota, or for
/// which the service fails again and again, counts once however often it is pushed to. A fault of the service
/// engages when no other target fared better, when two have it and these are a quarter, or when the last
/// eight have it: so 1 % of faults cost 1 %. While the number grows again, that halves it, unless the service
/// asks for time. Faults of single targets engage when four different ones have them and none fared better:
/// then they are hardly theirs.
///
/// Messages that were under way when the throttle was engaged neither prolong its doubling nor end it.
///
/// Pure: time is passed in. Not thread-safe.
class Throttle {
 public:
  using TimePoint = core::Clock::TimePoint;
  using Duration = core::Clock::Duration;
  /// Tells messages that started before the throttle was last engaged from those that started after it.
  using Epoch = std::uint64_t;

  struct Options {
    std::chrono::milliseconds first{250};   ///< Bound of the first duration if the service asks for none.
    std::chrono::milliseconds most{10000};  ///< Bound of that duration, which doubles while faults continue.
    std::chrono::milliseconds longest{600000};  ///< A Retry-After beyond this is cut: then one probe is sent.
  };

  explicit Throttle(const Options& options, std::uint64_t seed = std::random_device{}());

  /// How many more messages may start now.
  std::size_t allowance(TimePoint now) const noexcept;
  /// No message starts before this time. In the past if the throttle is not engaged.
  TimePoint until() const noexcept { return _until; }

  /// A message starts. Its `end` must follow, with what this gives.
  Epoch start() noexcept;
  /// A message to the target with this hash has ended. The limit is lifted once it reaches `lift`. Gives
  /// whether the throttle is engaged by this or holds longer because of it.
  bool end(Epoch epoch, std::size_t target, const Outcome& outcome, TimePoint now, std::size_t lift);
  /// Begins anew: the service is another one.
  void reset() noexcept;

  /// How long this outcome asks to wait. Zero if it does not say.
  Duration wait(const Outcome& outcome) const noexcept;

 private:
  enum class Answer { fine, targetFault, serviceFault };
  struct Known {
    std::size_t target;
    Answer answer;
  };

  static Answer answerOf(const Outcome& outcome) noexcept;
  void remember(std::size_t target, Answer answer);
  std::size_t count(Answer answer) const noexcept;
  bool inRow() const noexcept;
  bool failed(Answer answer, const Outcome& outcome, TimePoint now);
  void engage(TimePoint until) noexcept;
  void halve();

  const Options _options;
  core::Backoff _backoff;
  TimePoint _until{};
  std::size_t _limit = 0;    ///< Messages under way at most; 0: no limit.
  std::size_t _running = 0;  ///< Messages under way that started in this epoch.
  Epoch _epoch = 0;
  std::vector<Known> _known;  ///< The last different targets of this epoch, the latest last.
};

}  // namespace p2::push
