#pragma once

#include "Repeats.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/push/Outcome.h"
#include "p2/push/ServiceName.h"

#include <atomic>
#include <utility>

namespace p2::proxy {

/// Tells the operator of pushes to one service that fail, in few lines: each reason when it first appears and
/// then every ten minutes with the number of times, and once that messages are delivered again after none
/// was. Likewise of targets that seem to be gone. Thread-safe.
class FaultLog {
 public:
  FaultLog(push::ServiceName service, const core::Clock& clock)
      : _service(std::move(service)), _clock(clock) {}

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

  const push::ServiceName _service;
  const core::Clock& _clock;
  std::atomic<bool> _failing{false};  // spares the lock while all is well
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
