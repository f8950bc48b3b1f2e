#pragma once

#include "Changes.h"
#include "Tables.h"
#include "p2/store/Overdue.h"

#include <cstdint>
#include <string>

namespace p2::lmdb {

/// A walk over all registrations that changes some, and how far it has come. A value.
struct Sweep {
  enum class Task {
    removeOverdue,
    dropDomains,  ///< Drops the domain of those that have one.
  };

  Task task = Task::removeOverdue;
  std::uint64_t atMost = 0;  ///< Changes.
  store::Overdue overdue{};
  std::string next{};  ///< The node to go on with.
  std::uint64_t changed = 0;
  std::uint64_t unreadable = 0;  ///< Records that were left as they are.
  bool atEnd = false;

  bool finished() const { return atEnd || changed >= atMost; }
};

/// Looks at a bounded number of registrations from where `sweep` has come to, changes those that it concerns,
/// and gives how far it has come: a few milliseconds' work.
Applied<Sweep> sweepSome(Tables& tables, Sweep sweep);

}  // namespace p2::lmdb
