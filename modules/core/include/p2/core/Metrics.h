#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace p2::core {

/// Counts up. Thread-safe, lock-free.
class Counter {
 public:
  void add(std::uint64_t by = 1) noexcept { _value.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return _value.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> _value{0};
};

/// Goes up and down. Thread-safe, lock-free.
class Gauge {
 public:
  void set(std::int64_t value) noexcept { _value.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) noexcept { _value.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const noexcept { return _value.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> _value{0};
};

/// Counts observations, in seconds, into buckets. Thread-safe, lock-free.
class Histogram {
 public:
  /// `bounds`: ascending upper bounds of the buckets, in seconds; a last one without a bound is added.
  explicit Histogram(std::span<const double> bounds);

  void observe(double seconds) noexcept;

  struct Snapshot {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;  ///< Per bucket, not cumulated; one more than bounds.
    double sum = 0;
  };
  Snapshot snapshot() const;

 private:
  const std::vector<double> _bounds;
  std::vector<std::atomic<std::uint64_t>> _counts;
  std::atomic<std::uint64_t> _sumMicroseconds{0};
};

/// Every counter, gauge and histogram of the program, by name and labels. Asking again for the same name and
/// labels gives the same object; references live as long as the registry. Thread-safe.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// Latencies from 0.5 ms to 30 s.
  Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels = {});

  /// The sum of all counters of that name; if `labels` are given, of those that have them, whatever others
  /// they have. 0 if there is none.
  std::uint64_t total(const std::string& name, const Labels& labels = {}) const;
  /// All observations of the histograms of that name, whatever their labels. Nothing but zeros if there is
  /// none.
  Histogram::Snapshot distribution(const std::string& name) const;

  /// Called before every rendering, to set gauges that are read on demand.
  void onCollect(std::function<void()> collect);

  /// The Prometheus text exposition format, version 0.0.4.
  std::string render() const;

 private:
  enum class Type { counter, gauge, histogram };

  struct Family {
    Type type;
    std::string help;
    std::map<Labels, std::unique_ptr<Counter>> counters;
    std::map<Labels, std::unique_ptr<Gauge>> gauges;
    std::map<Labels, std::unique_ptr<Histogram>> histograms;
  };

  Family& family(const std::string& name, const std::string& help, Type type);

  mutable std::mutex _mutex;
  std::map<std::string, Family> _families;
  std::vector<std::function<void()>> _collectors;
};

}  // namespace p2::core
