#include "p2/core/Metrics.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <limits>
#include <sstream>

namespace p2::core {

namespace {

constexpr std::array kLatencyBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                    0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  15.0, 30.0};

/// `name="value",…` without the braces, values escaped as the exposition format asks.
std::string labelText(const Metrics::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text += ',';
    text += name + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text += '\\';
      if (c == '\n') {
        text += "\\n";
      } else {
        text += c;
      }
    }
    text += '"';
  }
  return text;
}

bool hasAll(const Metrics::Labels& labels, const Metrics::Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&labels](const auto& label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  });
}

void renderSample(std::ostream& out, const std::string& name, const std::string& labels, auto value) {
  out << name;
  if (!labels.empty()) out << '{' << labels << '}';
  out << ' ' << value << '\n';
}

void renderHistogram(std::ostream& out, const std::string& name, const std::string& labels,
                     const Histogram::Snapshot& snapshot) {
  const std::string separator = labels.empty() ? "" : ",";
  std::uint64_t cumulated = 0;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    cumulated += snapshot.counts[i];
    std::ostringstream bound;
    if (i < snapshot.bounds.size()) {
      bound << snapshot.bounds[i];
    } else {
      bound << "+Inf";
    }
    renderSample(out, name + "_bucket", labels + separator + "le=\"" + bound.str() + '"', cumulated);
  }
  renderSample(out, name + "_sum", labels, snapshot.sum);
  renderSample(out, name + "_count", labels, cumulated);
}

}  // namespace

Histogram::Histogram(std::span<const double> bounds)
    : _bounds(bounds.begin(), bounds.end()), _counts(bounds.size() + 1) {}

void Histogram::observe(double seconds) noexcept {
  const auto bucket =
      std::distance(_bounds.begin(), std::lower_bound(_bounds.begin(), _bounds.end(), seconds));
  _counts[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  _sumMicroseconds.fetch_add(static_cast<std::uint64_t>(std::max(seconds, 0.0) * 1e6),
                             std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  snapshot.bounds = _bounds;
  for (const auto& count : _counts) snapshot.counts.push_back(count.load(std::memory_order_relaxed));
  snapshot.sum = static_cast<double>(_sumMicroseconds.load(std::memory_order_relaxed)) / 1e6;
  return snapshot;
}

Metrics::Family& Metrics::family(const std::string& name, const std::string& help, Type type) {
  auto& entry = _families[name];
  if (entry.help.empty()) {
    entry.type = type;
    entry.help = help;
  }
  return entry;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::scoped_lock lock(_mutex);
  auto& slot = family(name, help, Type::counter).counters[labels];
  if (!slot) slot = std::make_unique<Counter>();
  return *slot;
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::scoped_lock lock(_mutex);
  auto& slot = family(name, help, Type::gauge).gauges[labels];
  if (!slot) slot = std::make_unique<Gauge>();
  return *slot;
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, const Labels& labels) {
  const std::scoped_lock lock(_mutex);
  auto& slot = family(name, help, Type::histogram).histograms[labels];
  if (!slot) slot = std::make_unique<Histogram>(kLatencyBounds);
  return *slot;
}

std::uint64_t Metrics::total(const std::string& name, const Labels& labels) const {
  const std::scoped_lock lock(_mutex);
  std::uint64_t sum = 0;
  const auto found = _families.find(name);
  if (found == _families.end()) return sum;
  for (const auto& [own, counter] : found->second.counters) {
    if (hasAll(own, labels)) sum += counter->value();
  }
  return sum;
}

Histogram::Snapshot Metrics::distribution(const std::string& name) const {
  const std::scoped_lock lock(_mutex);
  auto all = Histogram(kLatencyBounds).snapshot();
  const auto found = _families.find(name);
  if (found == _families.end()) return all;
  for (const auto& [labels, histogram] : found->second.histograms) {
    const auto one = histogram->snapshot();  // all have the same bounds
    std::transform(all.counts.begin(), all.counts.end(), one.counts.begin(), all.counts.begin(),
                   std::plus<>());
    all.sum += one.sum;
  }
  return all;
}

void Metrics::onCollect(std::function<void()> collect) {
  const std::scoped_lock lock(_mutex);
  _collectors.push_back(std::move(collect));
}

std::string Metrics::render() const {
  std::vector<std::function<void()>> collectors;
  {
    const std::scoped_lock lock(_mutex);
    collectors = _collectors;
  }
  for (const auto& collect : collectors) collect();

  std::ostringstream out;
  out.precision(std::numeric_limits<double>::digits10);  // of a sum; the default of 6 would round it
  const std::scoped_lock lock(_mutex);
  for (const auto& [name, entry] : _families) {
    static constexpr std::array kTypeNames{"counter", "gauge", "histogram"};
    out << "# HELP " << name << ' ' << entry.help << '\n'
        << "# TYPE " << name << ' ' << kTypeNames[static_cast<std::size_t>(entry.type)] << '\n';
    for (const auto& [labels, counter] : entry.counters) {
      renderSample(out, name, labelText(labels), counter->value());
    }
    for (const auto& [labels, gauge] : entry.gauges) {
      renderSample(out, name, labelText(labels), gauge->value());
    }
    for (const auto& [labels, histogram] : entry.histograms) {
      renderHistogram(out, name, labelText(labels), histogram->snapshot());
    }
  }
  return out.str();
}

}  // namespace p2::core
