#pragma once

#include "Connection.h"
#include "Fault.h"
#include "p2/store/Overdue.h"
#include "p2/store/RegistrationArchive.h"

#include <cstdint>
#include <string>
#include <vector>

namespace p2::mariadb {

/// A walk over all registrations that changes some, and how far it has come. A value.
struct Sweep {
  enum class Purpose {
    removeOverdue,
    dropDomains,  ///< Drops the domain of those that have one.
  };

  Purpose purpose = Purpose::removeOverdue;
  std::uint64_t atMost = 0;  ///< Changes.
  store::Overdue overdue{};
  std::string reached{};               ///< The last node looked at.
  std::vector<std::string> touched{};  ///< The nodes that the last page has changed.
  store::RegistrationArchive::Swept swept{0, 0, true};

  bool finished() const { return !swept.more || swept.changed >= atMost; }
};

/// Looks at one page of registrations, changes those that the sweep concerns, in the transaction that is
/// open, and moves it on.
MaybeFault sweepPage(Connection& connection, Sweep& sweep);

}  // namespace p2::mariadb
