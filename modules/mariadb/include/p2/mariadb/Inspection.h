#pragma once

#include "p2/mariadb/Options.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace p2::mariadb {

/// What an operator wants to know of one host. A value.
struct HostReport {
  std::string name;        ///< `name:port`
  std::string fault;       ///< Why it cannot serve p2, with what to do; empty if it can.
  bool refuses = false;    ///< Waiting would not mend that fault.
  bool clustered = false;  ///< It is part of a Galera cluster, or was; of a host that can be connected to.
  // The rest is of a host that serves, or that refuses for want of rights or tables.
  std::string version;
  std::uint64_t nodes = 0;               ///< Of the Galera cluster that it is part of; 0: of none.
  std::string clusterId;                 ///< Of that cluster; the same for all its nodes.
  bool flushes = true;                   ///< What is committed is on its disk, and not within a second only.
  std::string cipher;                    ///< Of TLS; empty: without.
  std::chrono::seconds clockIsAhead{0};  ///< Of this machine's.
  bool hasTables = true;                 ///< Or p2 makes them.
};

/// Looks at each host, in their order; changes nothing. Blocks, for each up to some times the timeout.
std::vector<HostReport> inspectHosts(const Options& options);

}  // namespace p2::mariadb
