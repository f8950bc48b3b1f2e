#pragma once

#include "Repeats.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/push/Outcome.h"

#include <atomic>

namespace p2::proxy {

/// Tells the operator of pushes that fail, in few lines: each reason when it first appears and then every ten
/// minutes with the number of times, and once that messages are delivered again after none was. Likewise of
/// targets that seem to be gone. Thread-safe.
class FaultLog {
 public:
  explicit FaultLog(const core::Clock& clock) : _clock(clock) {}

  /// Takes note of what became of a push, and logs what is worth a line.
  void note(const push::Outcome& outcome);

 private:
  struct State {
    Repeats repeats;
    core::Clock::TimePoint failingSince{};
  };

  void delivered();
  void failed(const push::Outcome& outcome);
  void doubted(const push::Outcome& outcome);

  const core::Clock& _clock;
  std::atomic<bool> _failing{false};  // spares the lock while all is well
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
