#include "History.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace p2::web {

namespace {

// The help texts are those of the modules that count; who comes first sets them.
core::Counter& outcome(core::Metrics& metrics, const char* name) {
  return metrics.counter("p2_pushes_total", "Messages handed to the push service, by final outcome.",
                         {{"outcome", name}});
}

core::Counter& givenUp(core::Metrics& metrics, const char* reason) {
  return metrics.counter("p2_push_given_up_total",
                         "Pushes answered with wait before the push service gave a verdict, by reason.",
                         {{"reason", reason}});
}

std::vector<core::Counter*> failures(core::Metrics& metrics) {
  std::vector<core::Counter*> counters;
  for (const char* name : {"retry", "rejected", "misconfigured"}) counters.push_back(&outcome(metrics, name));
  for (const char* reason : {"queue_full", "throttled", "deadline", "stopping"}) {
    counters.push_back(&givenUp(metrics, reason));
  }
  return counters;
}

double milliseconds(double seconds) {
  return std::round(seconds * 1e4) / 10;
}

}  // namespace

History::History(core::Metrics& metrics, const core::Clock& clock)
    : _clock(clock),
      _delivered(outcome(metrics, "delivered")),
      _gone(outcome(metrics, "target_gone")),
      _failed(failures(metrics)),
      _latency(metrics.histogram("p2_push_seconds", "Time from a push's arrival to its answer.")),
      _connected(metrics.gauge("p2_component_connected", "Streams to the XMPP server that are open.")),
      _last(totals()),
      _thread([this] { run(); }) {}

History::~History() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
  }
  _wake.notify_all();
  _thread.join();
}

std::vector<History::Sample> History::samples() const {
  const std::scoped_lock lock(_mutex);
  return {_samples.begin(), _samples.end()};
}

History::Totals History::totals() const {
  Totals totals;
  totals.delivered = _delivered.value();
  totals.gone = _gone.value();
  for (const auto* counter : _failed) totals.failed += counter->value();
  totals.latencies = _latency.snapshot().counts;
  return totals;
}

void History::run() {
  auto next = _clock.now() + kStep;
  std::unique_lock lock(_mutex);
  while (!_wake.wait_until(lock, _clock.realDeadline(next), [this] { return _stopping; })) {
    lock.unlock();
    record();
    next += kStep;
    lock.lock();
  }
}

void History::record() {
  Totals now = totals();
  std::vector<std::uint64_t> latencies = now.latencies;
  std::transform(latencies.begin(), latencies.end(), _last.latencies.begin(), latencies.begin(),
                 std::minus<>());
  const auto bounds = _latency.snapshot().bounds;

  Sample sample;
  sample.end = std::chrono::floor<std::chrono::seconds>(_clock.wallTime());
  sample.delivered = now.delivered - _last.delivered;
  sample.gone = now.gone - _last.gone;
  sample.failed = now.failed - _last.failed;
  sample.median = quantile(bounds, latencies, 0.5);
  sample.p99 = quantile(bounds, latencies, 0.99);
  sample.connected = _connected.value() > 0;
  _last = std::move(now);

  const std::scoped_lock lock(_mutex);
  _samples.push_back(sample);
  if (_samples.size() > kCapacity) _samples.pop_front();
}

double quantile(const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts, double share) {
  std::uint64_t total = 0;
  for (const auto count : counts) total += count;
  const double rank = share * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < bounds.size() && total > 0; ++i) {
    const auto inside = static_cast<double>(counts[i]);
    if (inside > 0 && below + inside >= rank) {
      const double lower = i == 0 ? 0 : bounds[i - 1];
      return lower + (bounds[i] - lower) * (rank - below) / inside;
    }
    below += inside;
  }
  return total == 0 ? 0 : bounds.back();
}

std::string toJson(const std::vector<History::Sample>& samples) {
  std::ostringstream json;
  json << '[';
  const char* separator = "";
  for (const auto& sample : samples) {
    json << separator << '[' << sample.end.time_since_epoch().count() << ',' << sample.delivered << ','
         << sample.gone << ',' << sample.failed << ',' << milliseconds(sample.median) << ','
         << milliseconds(sample.p99) << ',' << (sample.connected ? 1 : 0) << ']';
    separator = ",";
  }
  json << ']';
  return json.str();
}

}  // namespace p2::web
