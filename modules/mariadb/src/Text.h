#pragma once

#include "p2/core/Result.h"
#include "p2/core/Target.h"
#include "p2/store/Registration.h"

#include <string_view>

namespace p2::mariadb {

// The tables hold text, in UTF-8: any other bytes are nobody's there, and are not stored. All of it is pure.

/// Whether the bytes are UTF-8 (RFC 3629).
bool isUtf8(std::string_view bytes) noexcept;

/// Whether a registration can be stored under this node or key.
bool isPossible(std::string_view node);
bool isPossible(const store::DeviceKey& key);
/// The error says which part cannot be stored, without showing it.
core::Result<void> checkText(const store::DeviceKey& key, std::string_view domain,
                             const core::Target& target);
/// The same for a target, and for a whole registration.
core::Result<void> checkText(const core::Target& target);
core::Result<void> checkText(const store::Registration& registration);

}  // namespace p2::mariadb
