#pragma once

#include "p2/core/Result.h"
#include "p2/store/RegistrationStore.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

namespace p2::store {

/// Removes the registrations of these nodes; gives how many there were. Blocks until they are removed on
/// disk, but not longer than `bound`: the error says so then, and what was asked for is still done when the
/// disk allows it. REQUIRES: the store is open for writing. Thread-safe.
core::Result<std::uint64_t> forgetNodes(RegistrationStore& store, std::span<const std::string> nodes,
                                        std::chrono::milliseconds bound);

}  // namespace p2::store
