#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace p2::control {

/// What a daemon's metrics say of its pushes. A value.
struct PushFigures {
  /// `p50`, `p95` and `p99`, the time that so many of a hundred took at most; empty before the first.
  using Quantiles = std::vector<std::pair<std::string, std::chrono::duration<double>>>;

  std::map<std::string, double> outcomes;  ///< How many messages ended so.
  double coalesced = 0;                    ///< Pushes that joined one which waited.
  Quantiles wholeWay;                      ///< From a server's publish to its answer.
  Quantiles fcmAlone;                      ///< From a message to FCM's answer.
};

/// Reads them from the Prometheus text format. Pure.
PushFigures pushFiguresIn(std::string_view metrics);

}  // namespace p2::control
