#include "Throttle.h"

#include <algorithm>
#include <limits>

namespace p2::push {

namespace {

// Of 1.2 million answers, ten minutes' at 2,000 a second, 3 % are faults: a quarter of 16 targets has them
// some hundred times by chance, a quarter of 64 does not.
constexpr std::size_t kTargets = 64;
constexpr std::size_t kTolerated = 4;  // one in so many
constexpr std::size_t kRow = 8;
constexpr std::size_t kLeastServiceFaults = 2;
constexpr std::size_t kLeastTargetFaults = 4;

/// Half of each delay is certain, the other half is jitter.
core::Backoff::Options halved(const Throttle::Options& options) {
  return {.first = options.first, .most = options.most, .least = options.first / 2};
}

}  // namespace

Throttle::Throttle(const Options& options, std::uint64_t seed)
    : _options(options), _backoff(halved(options), seed) {
  _known.reserve(kTargets + 1);
}

std::size_t Throttle::allowance(TimePoint now) const noexcept {
  if (now < _until) return 0;
  if (_limit == 0) return std::numeric_limits<std::size_t>::max();
  return _limit > _running ? _limit - _running : 0;
}

Throttle::Epoch Throttle::start() noexcept {
  ++_running;
  return _epoch;
}

bool Throttle::end(Epoch epoch, std::size_t target, const Outcome& outcome, TimePoint now, std::size_t lift) {
  const Answer answer = answerOf(outcome);
  if (epoch != _epoch) {
    // It started before the throttle was engaged, so it says nothing new unless it names a later time.
    const Duration asked = answer == Answer::serviceFault ? wait(outcome) : Duration::zero();
    if (_limit == 0 || asked == Duration::zero() || now + asked <= _until) return false;
    _until = now + asked;
    return true;
  }
  --_running;
  remember(target, answer);
  if (answer != Answer::fine) return failed(answer, outcome, now);
  if (_limit == 0) return false;
  _backoff.reset();
  if (++_limit > lift) _limit = 0;
  return false;
}

void Throttle::reset() noexcept {
  engage(TimePoint{});
  _limit = 0;
  _backoff.reset();
}

Throttle::Duration Throttle::wait(const Outcome& outcome) const noexcept {
  return std::clamp(outcome.retryAfter.value_or(std::chrono::milliseconds::zero()),
                    std::chrono::milliseconds::zero(), _options.longest);
}

Throttle::Answer Throttle::answerOf(const Outcome& outcome) noexcept {
  switch (outcome.kind) {
    case Outcome::Kind::delivered:
    case Outcome::Kind::targetGone:
    case Outcome::Kind::doubted:
    case Outcome::Kind::rejected:
      return Answer::fine;
    case Outcome::Kind::retry:
    case Outcome::Kind::misconfigured:
      return outcome.scope == Outcome::Scope::service ? Answer::serviceFault : Answer::targetFault;
  }
  return Answer::fine;
}

void Throttle::remember(std::size_t target, Answer answer) {
  // The one that was pushed to just now is the likeliest to come again, and there are few.
  const auto known = std::find_if(_known.rbegin(), _known.rend(),
                                  [target](const Known& other) { return other.target == target; });
  if (known != _known.rend()) {
    _known.erase(std::prev(known.base()));
  } else if (_known.size() == kTargets) {
    _known.erase(_known.begin());
  }
  _known.push_back({target, answer});
}

std::size_t Throttle::count(Answer answer) const noexcept {
  return static_cast<std::size_t>(std::count_if(
      _known.begin(), _known.end(), [answer](const Known& known) { return known.answer == answer; }));
}

/// Whether the last targets all met with a fault of the service.
bool Throttle::inRow() const noexcept {
  return _known.size() >= kRow && std::all_of(_known.end() - kRow, _known.end(), [](const Known& known) {
           return known.answer == Answer::serviceFault;
         });
}

bool Throttle::failed(Answer answer, const Outcome& outcome, TimePoint now) {
  const bool othersFine = count(Answer::fine) > 0;
  const std::size_t ofService = count(Answer::serviceFault);
  if (answer == Answer::targetFault) {
    if (othersFine || ofService + count(Answer::targetFault) < kLeastTargetFaults) return false;
    engage(now + _backoff.next());
    return true;
  }
  const bool share = ofService >= kLeastServiceFaults && ofService * kTolerated >= _known.size();
  if (othersFine && !share && !inRow()) return false;
  const Duration asked = wait(outcome);
  if (othersFine && _limit > 0 && asked == Duration::zero()) {
    halve();
    return false;
  }
  engage(now + (asked > Duration::zero() ? asked : Duration(_backoff.next())));
  return true;
}

void Throttle::engage(TimePoint until) noexcept {
  _until = until;
  _limit = 1;
  _running = 0;
  ++_epoch;
  _known.clear();
}

/// Other messages that have failed by now must not halve it again, so their like is forgotten.
void Throttle::halve() {
  _limit = std::max<std::size_t>(_limit / 2, 1);
  std::erase_if(_known, [](const Known& known) { return known.answer != Answer::fine; });
}

}  // namespace p2::push
