#pragma once

#include "Patience.h"
#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <string>
#include <utility>

namespace p2::proxy {

/// How long the store takes until it answers, and may take. Thread-safe.
class StoreTimes {
 public:
  template <class T>
  using Callback = store::Registrations::Callback<T>;

  /// Both must outlive it, and what it gives.
  StoreTimes(const core::Clock& clock, core::Metrics& metrics)
      : _clock(clock),
        _patience(clock),
        _lookUps(histogram(metrics, "look_up")),
        _changes(histogram(metrics, "change")) {}

  /// Calls back as `done` would, or in time with an error, and measures until then.
  template <class T>
  Callback<T> lookUp(Callback<T> done) {
    return timed(_lookUps, std::move(done));
  }
  template <class T>
  Callback<T> change(Callback<T> done) {
    return timed(_changes, std::move(done));
  }

  /// Tells those that have waited for too long. To be called every second.
  void giveUpLate() { _patience.giveUpLate(); }
  /// Why who asks is not answered in time; empty if he is.
  std::string standstill() const { return _patience.standstill(); }

 private:
  static core::Histogram& histogram(core::Metrics& metrics, const char* operation) {
    return metrics.histogram("p2_store_seconds", "Time until the store has answered a request.",
                             {{"operation", operation}});
  }

  template <class T>
  Callback<T> timed(core::Histogram& histogram, Callback<T> done) {
    return _patience.bound<T>(
        [this, &histogram, begin = _clock.now(), done = std::move(done)](core::Result<T> result) mutable {
          histogram.observe(std::chrono::duration<double>(_clock.now() - begin).count());
          done(std::move(result));
        });
  }

  const core::Clock& _clock;
  Patience _patience;
  core::Histogram& _lookUps;
  core::Histogram& _changes;
};

}  // namespace p2::proxy
