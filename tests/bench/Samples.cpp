#include "Samples.h"

#include <algorithm>
#include <time.h>

namespace p2::bench {

namespace {

double milliseconds(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return static_cast<double>(sorted[static_cast<std::size_t>(last * share)]) / 1000;
}

}  // namespace

void Samples::countBetween(Clock::time_point from, Clock::time_point to) {
  _from = from;
  _to = to;
}

void Samples::add(Clock::time_point began, Clock::time_point ended) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(ended - began);
  _microseconds.push_back(static_cast<std::uint32_t>(took.count()));
  if (ended >= _from && ended < _to) ++_counted;
}

void Samples::add(const Samples& other) {
  _microseconds.insert(_microseconds.end(), other._microseconds.begin(), other._microseconds.end());
  _counted += other._counted;
}

std::string Samples::json() {
  std::sort(_microseconds.begin(), _microseconds.end());
  const double seconds = std::chrono::duration<double>(_to - _from).count();
  return "\"count\":" + std::to_string(_microseconds.size()) +
         ",\"rate\":" + std::to_string(seconds > 0 ? static_cast<double>(_counted) / seconds : 0) +
         ",\"median_ms\":" + std::to_string(milliseconds(_microseconds, 0.5)) +
         ",\"p99_ms\":" + std::to_string(milliseconds(_microseconds, 0.99)) +
         ",\"most_ms\":" + std::to_string(milliseconds(_microseconds, 1));
}

std::chrono::nanoseconds cpuTime() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace p2::bench
