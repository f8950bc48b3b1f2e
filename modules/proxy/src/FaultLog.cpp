#include "FaultLog.h"

#include <Poco/Logger.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace p2::proxy {

namespace {

using push::Outcome;

// Shorter failures are not worth a line when they end.
constexpr std::chrono::seconds kNotable{10};

Poco::Logger& logger() {
  return Poco::Logger::get("proxy");
}

std::string sentence(const std::string& service, const Outcome& outcome, std::uint64_t suppressed) {
  std::string text = "a push to " + service + " failed: " + outcome.reason;
  switch (outcome.kind) {
    case Outcome::Kind::rejected:
      text += " (a fault of p2: please report it)";
      break;
    case Outcome::Kind::misconfigured:
      text += " (this needs you: it does not pass by itself)";
      break;
    case Outcome::Kind::delivered:
    case Outcome::Kind::targetGone:
    case Outcome::Kind::doubted:
    case Outcome::Kind::retry:
      break;
  }
  if (suppressed > 0) text += "; " + std::to_string(suppressed) + " more since the last such line";
  return text + "; the server was asked to wait, and its user stays registered";
}

}  // namespace

void FaultLog::note(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::delivered:
      if (_failing.load(std::memory_order_relaxed)) delivered();
      return;
    case Outcome::Kind::targetGone:
      return;
    case Outcome::Kind::doubted:
      if (outcome.scope == Outcome::Scope::service) return failed(outcome);
      return doubted(outcome);
    case Outcome::Kind::retry:
    case Outcome::Kind::rejected:
    case Outcome::Kind::misconfigured:
      failed(outcome);
      return;
  }
}

void FaultLog::delivered() {
  const auto since = _state.with([this](State& state) {
    _failing = false;
    return state.failingSince;
  });
  if (_clock.now() - since >= kNotable) logger().notice(_service.title + " delivers messages again");
}

/// That an app goes from a phone is nothing to act on.
void FaultLog::doubted(const Outcome& outcome) {
  const auto now = _clock.now();
  const auto suppressed = _state.with([&](State& state) { return state.repeats.admit(outcome.reason, now); });
  if (!suppressed) return;
  std::string text =
      "a target of " + _service.title + " seems to be gone, its server is asked to wait: " + outcome.reason;
  if (*suppressed > 0) text += "; " + std::to_string(*suppressed) + " more since the last such line";
  logger().information(text);
}

void FaultLog::failed(const Outcome& outcome) {
  const auto now = _clock.now();
  const auto suppressed = _state.with([&](State& state) {
    if (!_failing.exchange(true)) state.failingSince = now;
    return state.repeats.admit(outcome.reason, now);
  });
  if (!suppressed) return;
  if (outcome.kind == Outcome::Kind::retry || outcome.kind == Outcome::Kind::doubted) {
    logger().warning(sentence(_service.title, outcome, *suppressed));
  } else {
    logger().error(sentence(_service.title, outcome, *suppressed));
  }
}

}  // namespace p2::proxy
