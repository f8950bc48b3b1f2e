#pragma once

#include "p2/core/Clock.h"
#include "p2/push/Message.h"
#include "p2/push/Outcome.h"

#include <functional>
#include <memory>

namespace p2::push {

/// One connection to a push service. Used by one worker thread only.
class Sender {
 public:
  virtual ~Sender() = default;

  /// Sends one message and blocks until its outcome is known, not longer than `deadline`. Never throws.
  virtual Outcome send(const Message& message, core::Clock::TimePoint deadline) noexcept = 0;
};

/// Makes the sender of a new worker. Thread-safe.
using SenderFactory = std::function<std::unique_ptr<Sender>()>;

}  // namespace p2::push
