#include "Throttle.h"

#include <algorithm>
#include <limits>

namespace p2::push {

namespace {

constexpr double kDecay = 15.0 / 16.0;
constexpr double kTolerated = 0.25;

/// Half of each delay is certain, the other half is jitter.
core::Backoff::Options halved(const Throttle::Options& options) {
  return {.first = options.first, .most = options.most, .least = options.first / 2};
}

}  // namespace

Throttle::Throttle(const Options& options, std::uint64_t seed)
    : _options(options), _backoff(halved(options), seed) {}

std::size_t Throttle::allowance(TimePoint now) const noexcept {
  if (now < _until) return 0;
  if (_limit == 0) return std::numeric_limits<std::size_t>::max();
  return _limit > _running ? _limit - _running : 0;
}

Throttle::Epoch Throttle::start() noexcept {
  ++_running;
  return _epoch;
}

bool Throttle::end(Epoch epoch, const Outcome& outcome, TimePoint now, std::size_t lift) {
  const bool current = epoch == _epoch;
  if (current) --_running;
  if (outcome.kind != Outcome::Kind::retry) {
    succeeded(current, lift);
    return false;
  }
  return outcome.throttled && failed(current, outcome, now);
}

Throttle::Duration Throttle::wait(const Outcome& outcome) const noexcept {
  if (outcome.retryAfter) {
    return std::clamp(*outcome.retryAfter, std::chrono::milliseconds::zero(), _options.longest);
  }
  return outcome.quotaExceeded ? _options.quota : std::chrono::milliseconds::zero();
}

bool Throttle::failed(bool current, const Outcome& outcome, TimePoint now) {
  _successes *= kDecay;
  _failures = _failures * kDecay + 1;
  const Duration asked = wait(outcome);
  if (!current) {
    // It started before the throttle was engaged, so it says nothing new unless it names a later time.
    if (_limit == 0 || asked == Duration::zero() || now + asked <= _until) return false;
    _until = now + asked;
    return true;
  }
  if (_limit == 0 && _failures < kTolerated * (_successes + _failures)) return false;
  _until = now + (asked > Duration::zero() ? asked : Duration(_backoff.next()));
  _limit = 1;
  _running = 0;
  ++_epoch;
  return true;
}

void Throttle::succeeded(bool current, std::size_t lift) noexcept {
  _successes = _successes * kDecay + 1;
  _failures *= kDecay;
  if (!current || _limit == 0) return;
  _backoff.reset();
  if (++_limit > lift) _limit = 0;
}

}  // namespace p2::push
