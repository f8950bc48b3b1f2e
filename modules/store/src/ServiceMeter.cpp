#include "p2/store/ServiceMeter.h"

namespace p2::store {

namespace {

using std::chrono::seconds;

// The civil clock is steered by less in a span; a greater difference is a jump.
constexpr seconds kSteering{5};
// Less does not matter to registrations that live for months; the time is stored much more often.
constexpr std::chrono::hours kAhead{1};

}  // namespace

void ServiceMeter::adopt(ServiceTime from) {
  _state.with([&](State& state) {
    state.time = std::move(from);
    begin(state, _clock.now(), wall());
  });
}

void ServiceMeter::join(const ServiceTime& stored) {
  _state.with([&](State& state) {
    const auto now = _clock.now();
    const auto date = wall();
    update(state, now, date);
    const bool isAhead = stored.total() >= state.time.total() + kAhead;
    if (!isAhead && stored.allRenewedAt() <= state.time.allRenewedAt()) return;
    state.time.join(stored);
    begin(state, now, date);
  });
}

void ServiceMeter::setServing(bool serving) {
  _state.with([&](State& state) {
    const auto now = _clock.now();
    const auto date = wall();
    update(state, now, date);
    if (serving && !state.serving) begin(state, now, date);
    state.serving = serving;
  });
}

ServiceTime::Time ServiceMeter::date() {
  return _state.with([&](State& state) {
    const auto date = wall();
    update(state, _clock.now(), date);
    return date;
  });
}

void ServiceMeter::renewAll() {
  _state.with([&](State& state) {
    update(state, _clock.now(), wall());
    state.time.renewAll();
  });
}

ServiceTime ServiceMeter::look() {
  return _state.with([&](State& state) {
    update(state, _clock.now(), wall());
    return state.time;
  });
}

ServiceTime ServiceMeter::toStore() {
  return _state.with([&](State& state) {
    update(state, _clock.now(), wall());
    state.news = false;
    ServiceTime time = state.time;
    if (state.begun) time.widen(kAhead);
    return time;
  });
}

bool ServiceMeter::hasNews() {
  return _state.with([](const State& state) { return state.news; });
}

void ServiceMeter::begin(State& state, Clock::TimePoint now, ServiceTime::Time date) const {
  state.begun = _clock.isSet();
  if (!state.begun) return;
  state.time.begin(date);
  state.news = true;
  state.counted = state.beganAt = now;
  state.beganOn = date;
}

void ServiceMeter::update(State& state, Clock::TimePoint now, ServiceTime::Time date) const {
  if (!state.begun || !_clock.isSet()) return begin(state, now, date);
  const auto passed = std::chrono::floor<seconds>(now - state.counted);
  const auto counting = state.serving ? passed : seconds::zero();
  state.counted += passed;
  const auto ahead = (date - state.beganOn) - std::chrono::floor<seconds>(now - state.beganAt);
  if (std::chrono::abs(ahead) <= kSteering) return state.time.advance(date, counting);
  // It has been time all the same, up to the jump at most.
  state.time.advance(state.beganOn, counting);
  begin(state, now, date);
}

}  // namespace p2::store
