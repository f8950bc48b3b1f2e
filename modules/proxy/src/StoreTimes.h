#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Metrics.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <utility>

namespace p2::proxy {

/// How long the store takes until it answers. Thread-safe.
class StoreTimes {
 public:
  template <class T>
  using Callback = store::Registrations::Callback<T>;

  /// Both must outlive it, and what it gives.
  StoreTimes(const core::Clock& clock, core::Metrics& metrics)
      : _clock(clock), _lookUps(histogram(metrics, "look_up")), _changes(histogram(metrics, "change")) {}

  /// Calls back as `done` would, and measures until then.
  template <class T>
  Callback<T> lookUp(Callback<T> done) const {
    return timed(_lookUps, std::move(done));
  }
  template <class T>
  Callback<T> change(Callback<T> done) const {
    return timed(_changes, std::move(done));
  }

 private:
  static core::Histogram& histogram(core::Metrics& metrics, const char* operation) {
    return metrics.histogram("p2_store_seconds", "Time until the store has answered a request.",
                             {{"operation", operation}});
  }

  template <class T>
  Callback<T> timed(core::Histogram& histogram, Callback<T> done) const {
    return [this, &histogram, begin = _clock.now(), done = std::move(done)](core::Result<T> result) mutable {
      histogram.observe(std::chrono::duration<double>(_clock.now() - begin).count());
      done(std::move(result));
    };
  }

  const core::Clock& _clock;
  core::Histogram& _lookUps;
  core::Histogram& _changes;
};

}  // namespace p2::proxy
