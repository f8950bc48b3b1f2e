#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registrations.h"

#include <chrono>
#include <string>

namespace p2::store {

/// What Registrations::lookUp() finds, for those who can wait. Blocks until it is there, but not longer than
/// `bound`, which is an error. Thread-safe.
core::Result<Registrations::Found> find(const Registrations& registrations, std::string node,
                                        std::chrono::milliseconds bound);

}  // namespace p2::store
