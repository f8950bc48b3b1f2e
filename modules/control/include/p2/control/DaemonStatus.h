#pragma once

#include "p2/core/Result.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace p2::control {

/// How a running daemon is: what it tells `p2 status` and `p2 check`. A value without secrets.
struct DaemonStatus {
  using Time = std::chrono::sys_seconds;

  /// A line of the log that was a warning or worse.
  struct Fault {
    Time time{};
    std::string text;
  };

  /// A host of the database.
  struct StoreHost {
    std::string name;
    bool used = false;
    std::string fault;  ///< Why it is let alone; empty if it is not.
  };

  /// How one push service fares.
  struct Service {
    std::string key;    ///< Its label in the metrics: `fcm`.
    std::string title;  ///< In a sentence: `FCM`.
    bool targetsSeemGone = false;
    std::uint64_t queued = 0;
    std::uint64_t workers = 0;
  };

  std::string version;
  std::string instance;  ///< Which of several p2 it is: the name of its machine.
  std::int64_t pid = 0;
  Time started{};
  Time settingsRead{};  ///< When all that is in effect was read: a reload may leave something for a restart.

  std::string clockFault;  ///< Why it waits until this machine's clock is set; empty if it does not.

  std::string server;         ///< `host:port` of the XMPP server.
  std::string jid;            ///< The component's name.
  std::uint64_t streams = 0;  ///< `xmpp.connections`
  std::uint64_t openStreams = 0;
  bool connected = false;   ///< At least one is open.
  bool standingBy = false;  ///< None is, as the server has another p2's.
  Time since{};             ///< When `connected` became what it is, or it began to stand by.
  std::string streamFault;  ///< Of one that is not open.
  std::string secondFault;  ///< Another p2 is connected under the name, with another store; empty if none is.
  std::uint64_t unsentAnswers = 0;

  bool legacy = false;  ///< The legacy interface of FCM: there is no access token.
  bool tokenValid = false;
  std::optional<Time> tokenExpires;
  std::string tokenFault;

  std::vector<Service> services;  ///< Those that are configured.
  bool targetsSeemGone = false;   ///< Most targets of one of them seem gone: none of its is removed.
  std::uint64_t queued = 0;       ///< Of all of them, as is the next.
  std::uint64_t workers = 0;
  std::uint64_t registrations = 0;
  std::uint64_t storeBytes = 0;
  std::uint64_t storeMapBytes = 0;    ///< For the metrics alone.
  std::uint64_t pendingChanges = 0;   ///< Likewise.
  std::string store;                  ///< Where registrations are: `LMDB in /var/lib/p2`.
  std::vector<StoreHost> storeHosts;  ///< None with LMDB.
  std::string storeFault;             ///< Why it fails; empty while it works.
  std::optional<Time> storeFailsSince;

  std::vector<Fault> faults;  ///< The last ones, the oldest first.
  std::string metrics;        ///< The Prometheus text format.
};

/// One line of JSON. Pure.
std::string toJson(const DaemonStatus& status);
/// Reads it; members that are not there keep their defaults, so that different versions understand each
/// other.
core::Result<DaemonStatus> parseDaemonStatus(const std::string& json);

}  // namespace p2::control
