#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/core/Backoff.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"
#include "p2/store/Whereabouts.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace p2::mariadb {

/// Which host is used, and which of them are let alone for a while because they have failed. Thread-safe.
class Hosts {
 public:
  /// A connection, and to which of the hosts.
  struct Connected {
    std::unique_ptr<Connection> connection;
    std::size_t host = 0;
  };

  /// What a new connection must pass; in the thread that connects.
  using Welcome = std::function<MaybeFault(Connection&)>;

  /// `options` must outlive it. `patience`: for each statement. `purpose`: what each host must be good for.
  Hosts(const Options& options, std::chrono::seconds patience, Welcome welcome,
        Purpose purpose = Purpose::serving);

  /// Since when others wait for it; none if nobody does.
  using Since = std::optional<core::Clock::TimePoint>;

  /// Connects to the one that is used, or else to the next that can serve. Those that have just failed are
  /// not asked, nor is one that has failed before while another thread tries it. Where others wait, no
  /// further one is asked once that has taken the timeout, or they have waited for twice the timeout. Blocks
  /// for the time that one host may take beyond that, or not at all if there is none to be asked. The fault
  /// is `refused` if none of those asked would serve at another time, either.
  Outcome<Connected> connect(Since since);
  /// A connection to this host has failed: the next one is tried before it.
  void suspect(std::size_t host, const Fault& fault);
  void count(Fault::Kind kind);
  /// Whether another host is used now than this one.
  bool hasLeft(std::size_t host) const;
  /// Asks those that are let alone whether they can serve again, so that nobody is told of faults that are
  /// over. Blocks, for each up to the timeout.
  void lookAtFailed();
  /// From now on none is asked that has failed: who closes cannot wait.
  void giveUp();
  /// All but the place.
  store::Whereabouts whereabouts() const;
  /// When a host may be asked again, if all have failed; else a moment that has passed.
  core::Clock::TimePoint nextTry() const;

 private:
  struct Standing {
    core::Backoff backoff;
    core::Clock::TimePoint notBefore{};
    core::Clock::TimePoint onTrialUntil{};  ///< While one thread finds out whether it serves again.
    bool failed = false;                    ///< The last attempt to connect to it failed.
    std::string fault = {};                 ///< Why it is let alone; empty once it has served.

    void clear() {
      backoff.reset();
      notBefore = onTrialUntil = {};
      failed = false;
      fault.clear();
    }
  };
  struct State {
    std::vector<Standing> standings;  ///< One for each host.
    std::size_t used = 0;
    std::optional<std::size_t> reached;  ///< The last one.
    store::Whereabouts::Faults faults;
    std::uint64_t moves = 0;
    bool givenUp = false;
  };

  Outcome<std::unique_ptr<Connection>> open(std::size_t host) const;
  std::string faults() const;
  core::Clock::TimePoint endOfSearch(Since since) const;
  bool takesTurn(std::size_t host);
  void succeeded(std::size_t host);
  void failed(std::size_t host, const Fault& fault);
  std::vector<std::size_t> letAlone() const;

  const Options& _options;
  const std::chrono::seconds _patience;
  const Welcome _welcome;
  const Purpose _purpose;
  core::Guarded<State> _state;
};

}  // namespace p2::mariadb
