#include "p2/core/Backoff.h"

#include <algorithm>

namespace p2::core {

namespace {

/// `first` doubled `failures` times, up to `most`.
std::chrono::milliseconds bound(const Backoff::Options& options, unsigned failures) {
  auto delay = std::min(options.first, options.most);
  // A loop instead of a shift: it ends before it could overflow.
  for (; failures > 0 && delay.count() > 0 && delay < options.most; --failures) {
    delay = delay > options.most / 2 ? options.most : delay * 2;
  }
  return delay;
}

}  // namespace

Backoff::Backoff(Options options, std::uint64_t seed) : _options(options), _random(seed) {}

std::chrono::milliseconds Backoff::draw(unsigned failures) {
  using Count = std::chrono::milliseconds::rep;
  std::uniform_int_distribution<Count> evenly(0, bound(_options, failures).count());
  return _options.least + std::chrono::milliseconds(evenly(_random));
}

}  // namespace p2::core
