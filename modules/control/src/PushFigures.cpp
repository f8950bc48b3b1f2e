#include "p2/control/PushFigures.h"

#include "MetricsText.h"

#include <array>

namespace p2::control {

namespace {

constexpr std::array kShares{std::pair{"p50", 0.5}, std::pair{"p95", 0.95}, std::pair{"p99", 0.99}};

PushFigures::Quantiles quantilesOf(const MetricsText& metrics, const char* name) {
  PushFigures::Quantiles quantiles;
  for (const auto& [label, share] : kShares) {
    if (const auto time = metrics.quantile(name, share)) quantiles.emplace_back(label, *time);
  }
  return quantiles;
}

}  // namespace

PushFigures pushFiguresIn(std::string_view metrics) {
  const MetricsText text(metrics);
  return {text.by("p2_pushes_total", "outcome"), text.total("p2_push_coalesced_total"),
          quantilesOf(text, "p2_push_seconds"), quantilesOf(text, "p2_fcm_request_seconds")};
}

}  // namespace p2::control
