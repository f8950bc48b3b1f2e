#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace p2::store {

/// Where a store keeps its registrations, and how it gets at them: for operators. A value.
struct Whereabouts {
  /// A machine that can be asked for them.
  struct Host {
    std::string name;   ///< `db1:3306`
    bool used = false;  ///< The one that was reached last.
    std::string fault;  ///< Why it is let alone; empty if nothing is known against it.
  };
  /// Since the store was opened, by what follows from them.
  struct Faults {
    std::uint64_t lost = 0;       ///< A connection broke, or could not be made.
    std::uint64_t unfit = 0;      ///< A host that is read-only, full, not in step with its cluster.
    std::uint64_t contended = 0;  ///< Another p2 changed the same: it was done again.
    std::uint64_t refused = 0;    ///< Would be refused again.
  };

  std::string place;           ///< `LMDB in /var/lib/p2`
  std::vector<Host> hosts;     ///< None if it is a directory of this machine.
  Faults faults;               ///< Of the hosts.
  std::uint64_t moves = 0;     ///< How often another host than before was taken.
  std::size_t sharers = 1;     ///< How many p2 serve phones from it: this one, and the others that do.
  std::string sharersFault{};  ///< Why the database does not let that be known; empty if it does.
};

}  // namespace p2::store
