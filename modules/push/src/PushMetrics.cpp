#include "PushMetrics.h"

namespace p2::push {

namespace {

core::Counter* outcomeCounter(core::Metrics& metrics, const char* outcome) {
  return &metrics.counter("p2_pushes_total", "Messages handed to the push service, by final outcome.",
                          {{"outcome", outcome}});
}

core::Counter* givenUpCounter(core::Metrics& metrics, const char* reason) {
  return &metrics.counter("p2_push_given_up_total",
                          "Pushes answered with wait before the push service gave a verdict, by reason.",
                          {{"reason", reason}});
}

}  // namespace

// Both arrays are in the order of their enumerations.
PushMetrics::PushMetrics(core::Metrics& metrics)
    : outcomes{outcomeCounter(metrics, "delivered"),     outcomeCounter(metrics, "target_gone"),
               outcomeCounter(metrics, "retry"),         outcomeCounter(metrics, "rejected"),
               outcomeCounter(metrics, "misconfigured"), outcomeCounter(metrics, "doubted")},
      givenUp{givenUpCounter(metrics, "queue_full"), givenUpCounter(metrics, "throttled"),
              givenUpCounter(metrics, "deadline"), givenUpCounter(metrics, "stopping")},
      coalesced(metrics.counter("p2_push_coalesced_total", "Pushes that joined one queued already.")),
      retries(metrics.counter("p2_push_retries_total", "Messages that are tried again.")),
      callbackErrors(metrics.counter("p2_push_callback_errors_total", "Answers that failed inside p2.")),
      queue(metrics.gauge("p2_push_queue", "Pushes waiting to be sent or to be tried again.")),
      workers(metrics.gauge("p2_push_workers", "Worker threads, each with a connection of its own.")),
      inGrace(metrics.gauge("p2_targets_in_grace",
                            "Targets that FCM called gone, until it says so again after fcm.goneAfter.")),
      seconds(metrics.histogram("p2_push_seconds", "Time from a push's arrival to its answer.")) {}

const char* inWords(PushMetrics::GivenUp why) {
  using GivenUp = PushMetrics::GivenUp;
  switch (why) {
    case GivenUp::queueFull:
      return "queue full";
    case GivenUp::throttled:
      return "held back, as the push service asks";
    case GivenUp::deadline:
      return "no verdict of the push service before the deadline";
    case GivenUp::stopping:
      return "p2 is stopping";
  }
  return "";
}

}  // namespace p2::push
