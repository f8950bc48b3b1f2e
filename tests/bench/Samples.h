#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace p2::bench {

using Clock = std::chrono::steady_clock;

/// How long requests took, and how many ended in the part of the measurement that counts. A value.
class Samples {
 public:
  /// Only requests that end between these two count towards the rate.
  void countBetween(Clock::time_point from, Clock::time_point to);
  void add(Clock::time_point began, Clock::time_point ended);
  void add(const Samples& other);

  std::uint64_t size() const { return _microseconds.size(); }
  /// Members of a JSON object: count, rate, median_ms, p99_ms, most_ms.
  std::string json();

 private:
  std::vector<std::uint32_t> _microseconds;
  std::uint64_t _counted = 0;
  Clock::time_point _from{};
  Clock::time_point _to{};
};

/// CPU time of this process until now.
std::chrono::nanoseconds cpuTime();

}  // namespace p2::bench
