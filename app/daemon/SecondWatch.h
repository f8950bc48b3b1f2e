#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/core/Rounds.h"

#include <optional>
#include <string>

namespace p2::app {

/// Whether another p2, which does not share this one's store, is connected under the same name: each knows
/// only the phones that have registered with it. The log says so once, and once when it is over. Thread-safe.
class SecondWatch {
 public:
  /// For so long after the last sign of it the other is taken to be there. Its pings, one every 15 s from
  /// each of its streams, come to this p2 by chance.
  static constexpr std::chrono::minutes kOverAfter{5};

  /// `jid`: the component's name. `clock` must outlive this object.
  explicit SecondWatch(std::string jid, const core::Clock& clock = core::systemClock());

  /// There was a sign of the other. Does not block.
  void note();

  /// Whether the other is there.
  bool sees() const;
  /// What is wrong, and what to do; empty if the other is not there.
  std::string fault() const;

 private:
  struct Seen {
    std::optional<core::Clock::TimePoint> last;
    bool told = false;  ///< The log has said so, and not yet that it is over.
  };

  bool isRecent(const Seen& seen) const;
  std::string text() const;
  void look();

  const std::string _jid;
  const core::Clock& _clock;
  core::Guarded<Seen> _seen;
  core::Rounds _rounds;  ///< Last: they use all of the above.
};

}  // namespace p2::app
