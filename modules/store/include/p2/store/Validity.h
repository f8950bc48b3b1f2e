#pragma once

#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/store/Registration.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace p2::store {

// What can be stored, wherever registrations are kept. All of it is pure.

/// The push service that has this value on disk, if there is one.
std::optional<Service> serviceOf(std::uint8_t value);
/// The kind of target that has this value on disk, if there is one.
std::optional<core::Target::Kind> kindOf(std::uint8_t value);

/// Whether the key can be stored. The error says which part cannot, without showing it.
core::Result<void> checkKey(const DeviceKey& key);
/// The same for what a registration gives the key. A domain may be missing.
core::Result<void> checkContent(std::string_view domain, const core::Target& target);
/// The same for a target.
core::Result<void> checkTarget(const core::Target& target);
/// The same for what a phone registers, which needs a domain: without one every domain could push.
core::Result<void> checkEnrolment(const DeviceKey& key, std::string_view domain, const core::Target& target);
/// The same for a whole registration.
core::Result<void> checkRegistration(const Registration& registration);

}  // namespace p2::store
