#pragma once

#include "Changes.h"
#include "Tables.h"
#include "p2/store/Registration.h"

#include <cstdint>
#include <string>

namespace p2::store {

/// How far a removal of expired registrations has come. A value.
struct ExpiryScan {
  Registration::Time olderThan{};
  std::uint64_t atMost = 0;
  std::string next{};  ///< The node to go on with.
  std::uint64_t removed = 0;
  bool atEnd = false;

  bool finished() const { return atEnd || removed >= atMost; }
};

/// Looks at a bounded number of registrations from where `scan` has come to, removes those that have expired,
/// and gives how far it has come: a few milliseconds' work.
Applied<ExpiryScan> removeSomeExpired(Tables& tables, ExpiryScan scan);

}  // namespace p2::store
