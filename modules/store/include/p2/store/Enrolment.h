#pragma once

#include "p2/core/Target.h"
#include "p2/store/Registration.h"

#include <chrono>
#include <string>

namespace p2::store {

/// What a phone asks for when it registers.
struct Enrolment {
  DeviceKey key;
  std::string domain;
  core::Target target;
};

/// Whether the registration is as asked for, but for the time of registration.
bool matches(const Registration& registration, const Enrolment& asked);
/// Whether nothing needs to be written: it is as asked for, and the time of registration is recent.
bool isCurrent(const Registration& registration, const Enrolment& asked, Registration::Time now,
               std::chrono::seconds renewAfter);

}  // namespace p2::store
