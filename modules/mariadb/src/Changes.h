#pragma once

#include "WorkingSet.h"
#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/store/Enrolment.h"
#include "p2/store/Registration.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <string>

namespace p2::mariadb {

// What each change does to the rows of its transaction. All of it is pure, but for the random numbers.

struct RegistrationRules {
  store::Registration::Time now;
  std::chrono::seconds renewAfter;
};

/// A registration, and whether its row was as asked for before, but for its date.
struct Enrolled {
  store::Registration registration;
  bool stoodAlready = false;
};

/// A row of the device that cannot be read is written anew under its node, with a new secret. An error if the
/// operating system has no random numbers.
core::Result<Enrolled> enrol(WorkingSet& rows, const store::Enrolment& asked, const RegistrationRules& rules);
/// Removes what stands under the name, whether it can be read or not; gives whether anything did.
bool removeRow(WorkingSet& rows, const Name& name);
store::Removal removeIfHolds(WorkingSet& rows, const std::string& node, const core::Target& target);
bool replaceTarget(WorkingSet& rows, const std::string& node, const core::Target& target,
                   const core::Target& replacement);

}  // namespace p2::mariadb
