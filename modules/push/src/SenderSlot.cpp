#include "SenderSlot.h"

#include "Log.h"

#include <exception>
#include <string>

namespace p2::push {

namespace {

std::unique_ptr<Sender> call(const SenderFactory& makeSender, const std::string& service) noexcept {
  try {
    return makeSender();
  } catch (const std::exception& e) {
    logError("Cannot make a connection to %s: %s", service, std::string(e.what()));
  } catch (...) {
    logError("Cannot make a connection to %s: unknown exception", service);
  }
  return nullptr;
}

}  // namespace

Outcome SenderSlot::send(const SenderFactory& makeSender, std::uint64_t generation, const Message& message,
                         core::Clock::TimePoint deadline) noexcept {
  if (makeSender) {
    _sender.reset();  // before the new one is made, so that there is one connection a worker at most
    _sender = call(makeSender, _service);
    _generation = generation;
  }
  if (_sender) return _sender->send(message, deadline);
  Outcome outcome;
  outcome.reason = "no connection to " + _service;
  return outcome;
}

}  // namespace p2::push
