#include "p2/store/Enrolment.h"

namespace p2::store {

bool matches(const Registration& registration, const Enrolment& asked) {
  return registration.domain == asked.domain && registration.target == asked.target;
}

bool isCurrent(const Registration& registration, const Enrolment& asked, Registration::Time now,
               std::chrono::seconds renewAfter) {
  return matches(registration, asked) && now - registration.lastRegistered < renewAfter;
}

}  // namespace p2::store
