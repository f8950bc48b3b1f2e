#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace p2::core {

/// Exponential backoff with full jitter: each delay is drawn evenly from zero to a bound that doubles with
/// every failure. Pure but for its random numbers. Not thread-safe.
class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds first{500};   ///< Bound of the first delay.
    std::chrono::milliseconds most{60000};  ///< Bound that is not exceeded.
    std::chrono::milliseconds least{0};     ///< Added to what is drawn.
  };

  explicit Backoff(Options options, std::uint64_t seed = std::random_device{}());

  /// The delay before the next try; counts one more failure.
  std::chrono::milliseconds next() { return draw(_failures++); }
  /// The delay after `failures` earlier failures, for those who count them themselves.
  std::chrono::milliseconds draw(unsigned failures);
  /// The last try succeeded: the next delay is short again.
  void reset() noexcept { _failures = 0; }
  unsigned failures() const noexcept { return _failures; }

 private:
  const Options _options;
  std::mt19937_64 _random;
  unsigned _failures = 0;
};

}  // namespace p2::core
