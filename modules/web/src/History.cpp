#include "History.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <utility>

namespace p2::web {

namespace {

// Of all push services.
constexpr const char* kOutcomes = "p2_pushes_total";
constexpr const char* kGivenUp = "p2_push_given_up_total";
constexpr const char* kLatency = "p2_push_seconds";

double milliseconds(double seconds) {
  return std::round(seconds * 1e4) / 10;
}

}  // namespace

History::History(core::Metrics& metrics, const core::Clock& clock)
    : _clock(clock),
      _metrics(metrics),
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
  totals.delivered = _metrics.total(kOutcomes, {{"outcome", "delivered"}});
  totals.gone = _metrics.total(kOutcomes, {{"outcome", "target_gone"}});
  totals.failed = _metrics.total(kGivenUp);
  for (const char* outcome : {"retry", "rejected", "misconfigured"}) {
    totals.failed += _metrics.total(kOutcomes, {{"outcome", outcome}});
  }
  totals.latencies = _metrics.distribution(kLatency);
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
  const auto& bounds = now.latencies.bounds;
  std::vector<std::uint64_t> latencies = now.latencies.counts;
  std::transform(latencies.begin(), latencies.end(), _last.latencies.counts.begin(), latencies.begin(),
                 std::minus<>());

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
