#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Secret.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace p2::mariadb {

/// Where a database listens.
struct Host {
  std::string name;  ///< A name or an address.
  std::uint16_t port = 3306;
};

enum class Tls {
  none,
  verified,  ///< The server's certificate must be of the host's name and signed by an authority.
};

/// How registrations are reached that are in MariaDB.
struct Options {
  /// The first that can serve is used, and the next when it fails. All of one cluster, or one alone.
  std::vector<Host> hosts;
  std::string database;
  std::string user;
  core::Secret password;
  Tls tls = Tls::none;
  /// PEM with the authorities that may sign; empty: those of the system.
  std::string caFile;
  /// Connections that look up nodes. There are six more at most: one that writes, one that asks again for
  /// what was not found, one for devices, one that counts, one that watches, and one for all registrations at
  /// once.
  std::size_t connections = 4;
  /// For connecting and for each statement. A change is tried again for twice as long.
  std::chrono::seconds timeout{5};
  /// Look-ups by node, those of devices, and changes, that may wait. Each take turns by registrable domain,
  /// as in FairQueue.
  std::size_t queueCapacity = 10000;
  /// Changes in one transaction at most.
  std::size_t maxBatch = 256;
  /// A registration renewed with the same target is written again only if it was last registered longer ago.
  std::chrono::hours renewAfter{24};
  /// How long lookUpRecent() may give what a look-up has found, though another p2 may have changed it since;
  /// 0: not at all.
  std::chrono::seconds cacheFor{5};
  /// What is kept for that, at most: some 110,000 registrations with tokens of common length.
  std::size_t cacheBytes = std::size_t{64} << 20U;
  /// How old the count of all registrations may be.
  std::chrono::seconds countEvery{60};
  /// `store.keepDomain`: whether a registration is stored with its domain.
  bool keepDomain = true;
  /// Dates what is stored, and measures what must wait. Must outlive the store.
  const core::Clock* clock = &core::systemClock();
};

}  // namespace p2::mariadb
