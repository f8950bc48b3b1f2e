#include "daemon/ClockWatch.h"

#include "daemon/Logger.h"
#include "daemon/Round.h"
#include "p2/core/Words.h"

#include <chrono>
#include <string>
#include <utility>

namespace p2::app {

namespace {

constexpr std::chrono::milliseconds kWhileUnset{100};
constexpr std::chrono::milliseconds kWhileSet{1000};

}  // namespace

ClockWatch::ClockWatch(proxy::PushProxy& proxy, OnChange onChange, const core::Clock& clock)
    : _proxy(proxy),
      _onChange(std::move(onChange)),
      _clock(clock),
      _rounds(core::Rounds::Duration::zero(), [this](const auto&) {
        goRound("the clock is not watched", [this] { look(); });
        return _wasSet ? kWhileSet : kWhileUnset;
      }) {}

void ClockWatch::look() {
  const auto fault = core::faultOf(_clock);
  const bool isSet = fault.empty();
  if (_wasSet && !isSet) {
    _unsetSince = _clock.now();
    logger().warning(fault + ". Until then servers and phones are asked to wait.");
    _onChange(fault);
  } else if (!_wasSet && isSet) {
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(_clock.now() - _unsetSince);
    logger().notice("this machine's clock is set, after " + core::inWords(waited) + ": p2 goes on");
    _onChange(fault);
  }
  _wasSet = isSet;
  _proxy.watchClock();
}

}  // namespace p2::app
