#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace p2::web {

/// What happened in each of the last day's minutes, for the plots of the status page. Looks at the metrics
/// once a minute in a thread of its own. Thread-safe.
class History {
 public:
  static constexpr std::chrono::minutes kStep{1};
  static constexpr std::size_t kCapacity = 24 * 60;

  /// One minute.
  struct Sample {
    std::chrono::sys_seconds end{};
    std::uint64_t delivered = 0;
    std::uint64_t gone = 0;    ///< The push service called the target gone.
    std::uint64_t failed = 0;  ///< Everything else: the server was asked to wait.
    double median = 0;         ///< Seconds from a publish to its outcome; 0 if there was none.
    double p99 = 0;
    bool connected = false;

    bool operator==(const Sample&) const = default;
  };

  /// `metrics` and `clock` must outlive the history.
  explicit History(core::Metrics& metrics, const core::Clock& clock = core::systemClock());
  History(const History&) = delete;
  History& operator=(const History&) = delete;
  ~History();

  /// The oldest first.
  std::vector<Sample> samples() const;

 private:
  /// Counters as they stood at the end of a minute.
  struct Totals {
    std::uint64_t delivered = 0;
    std::uint64_t gone = 0;
    std::uint64_t failed = 0;
    core::Histogram::Snapshot latencies;
  };

  Totals totals() const;
  void run();
  void record();

  const core::Clock& _clock;
  const core::Metrics& _metrics;
  core::Gauge& _connected;
  Totals _last;  // the thread's own
  mutable std::mutex _mutex;
  std::condition_variable _wake;
  std::deque<Sample> _samples;
  bool _stopping = false;
  std::thread _thread;
};

/// The value below which `share` (0 to 1) of the observations lie, by linear interpolation within the bucket
/// that holds it; 0 without observations, the last bound if it lies beyond. `counts` has one element more
/// than `bounds`. Pure.
double quantile(const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts, double share);

/// A JSON array of arrays `[end, delivered, gone, failed, medianMs, p99Ms, connected]`, the oldest first.
/// Pure.
std::string toJson(const std::vector<History::Sample>& samples);

}  // namespace p2::web
