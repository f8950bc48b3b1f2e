#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/core/Backoff.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"

#include <chrono>
#include <cstddef>
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

  /// `options` must outlive it. `patience`: for each statement.
  Hosts(const Options& options, std::chrono::seconds patience, Welcome welcome = nullptr);

  /// Since when others wait for it; none if nobody does.
  using Since = std::optional<core::Clock::TimePoint>;

  /// Connects to the one that is used, or else to the next that can serve. Those that have just failed are
  /// not asked, nor is one that has failed before while another thread tries it. Where others wait, no
  /// further one is asked once that has taken the timeout, or they have waited for twice the timeout. Blocks
  /// for the time that one host may take beyond that, or not at all if there is none to be asked. The fault
  /// is `refused` if none of those asked would serve at another time, either.
  Outcome<Connected> connect(Since since);
  /// A connection to this host has failed: the next one is tried before it.
  void suspect(std::size_t host);
  /// When a host may be asked again, if all have failed; else a moment that has passed.
  core::Clock::TimePoint nextTry() const;

 private:
  struct Standing {
    core::Backoff backoff;
    core::Clock::TimePoint notBefore{};
    core::Clock::TimePoint onTrialUntil{};  ///< While one thread finds out whether it serves again.
    std::string fault = {};                 ///< Empty once it has served.
  };
  struct State {
    std::vector<Standing> standings;  ///< One for each host.
    std::size_t used = 0;
  };

  Outcome<std::unique_ptr<Connection>> open(std::size_t host) const;
  std::string faults() const;
  core::Clock::TimePoint endOfSearch(Since since) const;
  bool takesTurn(std::size_t host);
  void succeeded(std::size_t host);
  void failed(std::size_t host, const Fault& fault);

  const Options& _options;
  const std::chrono::seconds _patience;
  const Welcome _welcome;
  core::Guarded<State> _state;
};

}  // namespace p2::mariadb
