#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace p2::mariadb {

/// How many p2 serve phones from the database. Each has a row in the table `serving`, in which it counts on
/// as long as it serves. No clock is compared with another machine's: who counts on before this one's eyes is
/// there. By its own row a p2 knows as well whether another host has what it has written. Used by one thread,
/// but for count() and checkKeepsUp(), which are thread-safe.
class Sharers {
 public:
  /// A p2 that has not counted on for so long is gone: some rounds of Watch, each of which may be late.
  static constexpr std::chrono::seconds kGoneAfter{45};

  /// `clock` must outlive it.
  explicit Sharers(const core::Clock& clock) : _clock(clock) {}

  /// Counts on, if this p2 serves, and looks at the others. A fault leaves what was known.
  MaybeFault look(Connection& connection, bool serves);
  /// This one, whether it serves or not, and the others that do.
  std::size_t count() const { return _others + 1; }
  /// A fault if the host lacks what this p2 had written, anywhere, when it counted on last: a replica that
  /// lags behind, or no replica. Of what was written since then it says nothing, nor of anything while this
  /// p2 does not serve, or has not counted on for most of an hour.
  MaybeFault checkKeepsUp(Connection& connection) const;

 private:
  /// How far this p2 has counted for certain; 0 if it is not listed.
  struct Own {
    std::string instance;
    std::string host;  ///< On which it has.
    std::int64_t beat = 0;
    core::Clock::TimePoint since{};
  };
  struct Other {
    std::int64_t beat = 0;
    core::Clock::TimePoint since{};  ///< When it was seen to have come to this.
    bool countsOn = false;           ///< Whether it has ever been seen to.
  };

  MaybeFault drawName();
  MaybeFault countOn(Connection& connection, bool serves);
  void note(const std::map<std::string, std::int64_t>& beats);
  MaybeFault removeDead(Connection& connection);

  const core::Clock& _clock;
  std::string _own;  ///< Drawn when it is first needed.
  std::int64_t _beat = 0;
  bool _isListed = false;
  core::Guarded<Own> _acknowledged;
  std::map<std::string, Other> _known;
  std::atomic<std::size_t> _others = 0;
};

}  // namespace p2::mariadb
