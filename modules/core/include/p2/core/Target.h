#pragma once

#include "p2/core/Secret.h"

#include <cstdint>

namespace p2::core {

/// What a phone is reached by. Opaque: its format is the push service's alone. The values of `Kind` are on
/// disk.
struct Target {
  enum class Kind : std::uint8_t {
    registrationToken = 0,  ///< An FCM registration token.
    installationId = 1,     ///< A Firebase Installation ID.
  };

  Kind kind = Kind::registrationToken;
  Secret value;

  bool operator==(const Target&) const noexcept = default;
};

}  // namespace p2::core
