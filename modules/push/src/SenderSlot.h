#pragma once

#include "p2/core/Clock.h"
#include "p2/push/Message.h"
#include "p2/push/Outcome.h"
#include "p2/push/Sender.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace p2::push {

/// A worker's sender, which is made when it is needed first and again when the factory has changed. Used by
/// one worker thread only.
class SenderSlot {
 public:
  /// `service`: its name in a sentence.
  explicit SenderSlot(std::string service) : _service(std::move(service)) {}

  /// Whether `send` needs the factory, whose generation is this.
  bool stale(std::uint64_t generation) const noexcept { return !_sender || _generation != generation; }

  /// Sends and blocks until the outcome is known. Makes a sender first if `makeSender` is not empty; a
  /// factory that fails is logged and gives a retry. REQUIRES: it is not empty if the slot is stale.
  Outcome send(const SenderFactory& makeSender, std::uint64_t generation, const Message& message,
               core::Clock::TimePoint deadline) noexcept;
  /// Closes the connection.
  void reset() noexcept { _sender.reset(); }

 private:
  const std::string _service;
  std::unique_ptr<Sender> _sender;
  std::uint64_t _generation = 0;
};

}  // namespace p2::push
