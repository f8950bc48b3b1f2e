#pragma once

#include "p2/core/Clock.h"
#include "p2/proxy/PushProxy.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace p2::app {

/// Looks whether this machine's clock is set, in a thread of its own: the log says once when it is not and
/// when it is, and what has waited for it is served then. Used by its own thread.
class ClockWatch {
 public:
  /// Called in the watch's thread with what is wrong with the clock, or an empty text: when it changes.
  using OnChange = std::function<void(const std::string& fault)>;

  /// `proxy` and `clock` must outlive this object.
  ClockWatch(proxy::PushProxy& proxy, OnChange onChange, const core::Clock& clock = core::systemClock());
  ClockWatch(const ClockWatch&) = delete;
  ClockWatch& operator=(const ClockWatch&) = delete;
  ~ClockWatch();

 private:
  void run();
  /// Gives whether the clock is set.
  bool look();

  proxy::PushProxy& _proxy;
  const OnChange _onChange;
  const core::Clock& _clock;
  bool _wasSet = true;
  core::Clock::TimePoint _unsetSince{};
  std::mutex _mutex;
  std::condition_variable _wake;
  bool _stopping = false;  ///< Under _mutex.
  std::thread _thread;     ///< Last: it uses all of the above.
};

}  // namespace p2::app
