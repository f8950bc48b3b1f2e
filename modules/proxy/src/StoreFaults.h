#pragma once

#include "StoreTimes.h"
#include "ThrottledLog.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/core/Metrics.h"
#include "p2/store/Registrations.h"
#include "p2/xmpp/Responder.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace p2::proxy {

/// Requests that the store cannot serve: they are counted and answered wait. The log says when the store
/// begins to fail or to stand still, once, and when it works again; and what it cannot do although it works.
/// Thread-safe.
class StoreFaults {
 public:
  using WallTime = std::chrono::system_clock::time_point;

  /// All of it must outlive this object.
  StoreFaults(const store::Registrations& store, const StoreTimes& times, const core::Clock& clock,
              core::Metrics& metrics);

  void answer(const std::string& why, xmpp::Responder& responder);
  /// Looks whether it fails or works again, though nobody asks it: to be called every second or so.
  void watch();
  /// Nothing while it works.
  std::optional<WallTime> failingSince() const;

 private:
  struct Outage {
    WallTime since;
    core::Clock::TimePoint begin;
    core::Clock::TimePoint lastLine;
    std::uint64_t countAtBegin = 0;
    bool isTold = false;
    bool seemsOver = false;
  };
  struct State {
    std::optional<Outage> outage;
    std::optional<core::Clock::TimePoint> lastEnd;
    std::optional<core::Clock::TimePoint> lastTold;
  };
  struct Line {
    bool isEnd = false;
    std::string text;
  };

  std::string fault() const;
  void begin(const std::string& why, std::uint64_t countBefore);
  std::string extentOf(const Outage& outage) const;
  Line beginningOf(State& state, const std::string& why) const;
  std::optional<Line> lineAfter(State& state, const std::string& fault) const;
  static void log(const std::optional<Line>& line);

  const store::Registrations& _store;
  const StoreTimes& _times;
  const core::Clock& _clock;
  core::Counter& _count;
  ThrottledLog _log;
  core::Guarded<State> _state;
};

}  // namespace p2::proxy
