#include "PushMetrics.h"

namespace p2::push {

namespace {

core::Counter* outcomeCounter(core::Metrics& metrics, const std::string& service, const char* outcome) {
  return &metrics.counter("p2_pushes_total", "Messages handed to the push service, by final outcome.",
                          {{"service", service}, {"outcome", outcome}});
}

core::Counter* givenUpCounter(core::Metrics& metrics, const std::string& service, const char* reason) {
  return &metrics.counter("p2_push_given_up_total",
                          "Pushes answered with wait before the push service gave a verdict, by reason.",
                          {{"service", service}, {"reason", reason}});
}

}  // namespace

// Both arrays are in the order of their enumerations.
PushMetrics::PushMetrics(core::Metrics& metrics, const std::string& service)
    : outcomes{outcomeCounter(metrics, service, "delivered"),
               outcomeCounter(metrics, service, "target_gone"),
               outcomeCounter(metrics, service, "retry"),
               outcomeCounter(metrics, service, "rejected"),
               outcomeCounter(metrics, service, "misconfigured"),
               outcomeCounter(metrics, service, "doubted")},
      givenUp{givenUpCounter(metrics, service, "queue_full"), givenUpCounter(metrics, service, "throttled"),
              givenUpCounter(metrics, service, "deadline"), givenUpCounter(metrics, service, "stopping")},
      coalesced(metrics.counter("p2_push_coalesced_total", "Pushes that joined one queued already.",
                                {{"service", service}})),
      retries(
          metrics.counter("p2_push_retries_total", "Messages that are tried again.", {{"service", service}})),
      callbackErrors(metrics.counter("p2_push_callback_errors_total", "Answers that failed inside p2.",
                                     {{"service", service}})),
      queue(metrics.gauge("p2_push_queue", "Pushes waiting to be sent or to be tried again.",
                          {{"service", service}})),
      workers(metrics.gauge("p2_push_workers", "Worker threads, each with a connection of its own.",
                            {{"service", service}})),
      inGrace(metrics.gauge("p2_targets_in_grace",
                            "Targets that the push service called gone, until it says so again later.",
                            {{"service", service}})),
      seconds(metrics.histogram("p2_push_seconds", "Time from a push's arrival to its answer.",
                                {{"service", service}})) {}

std::string inWords(PushMetrics::GivenUp why, const ServiceName& service) {
  using GivenUp = PushMetrics::GivenUp;
  switch (why) {
    case GivenUp::queueFull:
      return "queue full";
    case GivenUp::throttled:
      return "held back, as " + service.title + " asks";
    case GivenUp::deadline:
      return "no verdict of " + service.title + " before the deadline";
    case GivenUp::stopping:
      return "p2 is stopping";
  }
  return {};
}

}  // namespace p2::push
