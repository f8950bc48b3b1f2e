#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/store/ServiceTime.h"

#include <utility>

namespace p2::store {

/// Measures the time in which phones can renew their registrations, by the clock that never jumps (and stands
/// still in suspend), and gives out the dates that are stored, so that none is unknown to the ServiceTime.
/// While the clock is not set, no time counts, and what it shows is not remembered. Thread-safe.
class ServiceMeter {
 public:
  /// `clock` must outlive it. `from`: how far it had come.
  ServiceMeter(const core::Clock& clock, ServiceTime from) : _clock(clock), _state(State{std::move(from)}) {}

  /// Goes on from where the store says it had come to, once that can be read. What it has measured by then is
  /// lost: registrations expire later.
  void adopt(ServiceTime from);
  /// Takes over what another p2 has stored since, if it is an hour ahead at least or knows of a later import:
  /// one that stands by keeps up so, and of two that serve neither takes what the other has all the time.
  void join(const ServiceTime& stored);
  /// Whether phones reach p2 from now on.
  void setServing(bool serving);
  /// The date of now, to be stored.
  ServiceTime::Time date();
  /// Every registration counts as renewed now.
  void renewAll();
  /// How far it has come.
  ServiceTime look();
  /// The same, to be stored: the dates of the next hour are in it too, so that none is unknown to another p2,
  /// or after a crash.
  ServiceTime toStore();
  /// Whether the clock has shown dates that no toStore() has told of; once for each time that it jumped.
  bool hasNews();

 private:
  using Clock = core::Clock;

  struct State {
    ServiceTime time;
    bool serving = false;
    bool begun = false;  ///< A span of `time` is of now.
    bool news = false;
    Clock::TimePoint counted{};  ///< Up to here it is in `time`.
    // How the clocks stood to each other when the span began.
    Clock::TimePoint beganAt{};
    ServiceTime::Time beganOn{};
  };

  void begin(State& state, Clock::TimePoint now, ServiceTime::Time date) const;
  void update(State& state, Clock::TimePoint now, ServiceTime::Time date) const;
  ServiceTime::Time wall() const { return std::chrono::floor<std::chrono::seconds>(_clock.wallTime()); }

  const Clock& _clock;
  core::Guarded<State> _state;
};

}  // namespace p2::store
