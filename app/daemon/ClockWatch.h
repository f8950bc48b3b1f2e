#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Rounds.h"
#include "p2/proxy/PushProxy.h"

#include <functional>
#include <string>

namespace p2::app {

/// Looks whether this machine's clock is set, in a thread of its own: the log says once when it is not and
/// when it is, and what has waited for it is served then. Used by its own thread.
class ClockWatch {
 public:
  /// Called in the watch's thread with what is wrong with the clock, or an empty text: when it changes.
  using OnChange = std::function<void(const std::string& fault)>;

  /// `proxy` and `clock` must outlive this object.
  ClockWatch(proxy::PushProxy& proxy, OnChange onChange, const core::Clock& clock = core::systemClock());

 private:
  void look();

  proxy::PushProxy& _proxy;
  const OnChange _onChange;
  const core::Clock& _clock;
  bool _wasSet = true;
  core::Clock::TimePoint _unsetSince{};
  core::Rounds _rounds;  ///< Last: they use all of the above.
};

}  // namespace p2::app
