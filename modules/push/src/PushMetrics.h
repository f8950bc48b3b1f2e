#pragma once

#include "p2/core/Metrics.h"
#include "p2/push/Outcome.h"
#include "p2/push/ServiceName.h"

#include <array>
#include <cstddef>
#include <string>

namespace p2::push {

/// What the dispatcher of one service counts. The references are looked up once. Thread-safe.
struct PushMetrics {
  /// Why a push was answered without a verdict of the push service.
  enum class GivenUp { queueFull, throttled, deadline, stopping };

  /// `service`: the label of all of them.
  PushMetrics(core::Metrics& metrics, const std::string& service);

  core::Counter& ended(Outcome::Kind kind) const { return *outcomes[static_cast<std::size_t>(kind)]; }
  core::Counter& gaveUp(GivenUp why) const { return *givenUp[static_cast<std::size_t>(why)]; }

  const std::array<core::Counter*, 6> outcomes;
  const std::array<core::Counter*, 4> givenUp;
  core::Counter& coalesced;
  core::Counter& retries;
  core::Counter& callbackErrors;
  core::Gauge& queue;
  core::Gauge& workers;
  core::Gauge& inGrace;
  core::Histogram& seconds;
};

/// For the outcome of a push that was given up.
std::string inWords(PushMetrics::GivenUp why, const ServiceName& service);

}  // namespace p2::push
