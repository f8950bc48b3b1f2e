#include "p2/push/RemovalGuard.h"

#include <algorithm>
#include <functional>

namespace p2::push {

namespace {

Outcome held(Outcome outcome, const char* why) {
  outcome.kind = Outcome::Kind::retry;
  outcome.reason += why;
  return outcome;
}

}  // namespace

RemovalGuard::RemovalGuard(const Options& options) : _options(options) {}

RemovalGuard::Judgement RemovalGuard::judge(std::string_view node, Outcome outcome) {
  const bool gone = outcome.kind == Outcome::Kind::targetGone;
  if (!gone && outcome.kind != Outcome::Kind::delivered) return {std::move(outcome)};

  const auto now = _options.clock->now();
  const std::scoped_lock lock(_mutex);
  if (!gone) {
    _lastDelivery = now;
    _mismatches = 0;
  } else if (outcome.onlyIfOthersSucceed && !believable(now)) {
    return {held(std::move(outcome), "; not believed, for nothing else is delivered")};
  }
  remember(node, gone, now);
  const Event event = update();
  if (gone && _tripped) {
    return {held(std::move(outcome), "; not acted on, for too many targets are gone at once"), event};
  }
  return {std::move(outcome), event};
}

bool RemovalGuard::tripped() const {
  const std::scoped_lock lock(_mutex);
  return _tripped;
}

bool RemovalGuard::believable(core::Clock::TimePoint now) noexcept {
  if (_lastDelivery == core::Clock::TimePoint::min() || now - _lastDelivery > _options.window) return false;
  return _mismatches++ < _options.mismatches;
}

void RemovalGuard::remember(std::string_view node, bool gone, core::Clock::TimePoint now) {
  const auto hash = std::hash<std::string_view>{}(node);
  // A linear search: there are a few dozen.
  const auto known = std::find_if(_verdicts.begin(), _verdicts.end(),
                                  [hash](const Verdict& verdict) { return verdict.nodeHash == hash; });
  if (known != _verdicts.end()) _verdicts.erase(known);
  _verdicts.push_back({hash, now, gone});
  while (_verdicts.size() > _options.capacity || now - _verdicts.front().time > _options.window) {
    _verdicts.pop_front();
  }
}

RemovalGuard::Event RemovalGuard::update() noexcept {
  const auto gone = static_cast<std::size_t>(
      std::count_if(_verdicts.begin(), _verdicts.end(), [](const Verdict& verdict) { return verdict.gone; }));
  const double share = static_cast<double>(gone) / static_cast<double>(_verdicts.size());
  if (!_tripped && gone >= _options.minimum && share > _options.share) {
    _tripped = true;
    return Event::tripped;
  }
  if (_tripped && share < _options.share / 2) {
    _tripped = false;
    return Event::cleared;
  }
  return Event::none;
}

}  // namespace p2::push
