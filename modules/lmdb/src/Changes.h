#pragma once

#include "Tables.h"
#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/store/Enrolment.h"
#include "p2/store/Identity.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <functional>
#include <string>

namespace p2::lmdb {

// What each change does within a write transaction. Nothing is on disk before that is committed.

/// LMDB's code, and what the change came to if that is 0. With any other code the transaction must be
/// aborted; an error in `outcome` concerns this change alone and leaves the transaction as it was.
template <class T>
struct Applied {
  int code;
  core::Result<T> outcome;
};

struct RegistrationRules {
  store::Registration::Time now;
  std::chrono::seconds renewAfter;
  std::function<core::Result<std::string>()> drawNode = store::drawNode;
};

/// A record of the device that cannot be read is written anew under its node, with a new secret, which the
/// phone hands to its server. REQUIRES: checkKey() and checkContent() have no objection.
Applied<store::Registration> enrol(Tables& tables, const store::Enrolment& asked,
                                   const RegistrationRules& rules);
Applied<bool> unregister(Tables& tables, const store::DeviceKey& key);
/// Removes what stands under the node, whether it can be read or not.
Applied<bool> forget(Tables& tables, const std::string& node);
Applied<store::Removal> removeIfHolds(Tables& tables, const std::string& node, const core::Target& target);
/// REQUIRES: checkContent() has no objection to `replacement`.
Applied<bool> replaceTarget(Tables& tables, const std::string& node, const core::Target& target,
                            const core::Target& replacement);

}  // namespace p2::lmdb
