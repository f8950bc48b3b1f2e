#pragma once

#include "p2/store/Registration.h"
#include "p2/store/ServiceTime.h"

#include <chrono>

namespace p2::store {

/// Which registrations are overdue: those not renewed for `after`, by the civil clock *and* by the time in
/// which they could have been. A value.
struct Overdue {
  Registration::Time now{};
  std::chrono::seconds after{};
  ServiceTime service{};

  bool operator()(const Registration& registration) const;
};

}  // namespace p2::store
