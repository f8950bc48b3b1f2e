#pragma once

#include "p2/core/Secret.h"
#include "p2/core/Target.h"
#include "p2/store/Service.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace p2::store {

/// What is longer, in bytes, is nobody's: not stored, and not found.
inline constexpr std::size_t kMaxNodeBytes = 64;
inline constexpr std::size_t kMaxSecretBytes = 64;
inline constexpr std::size_t kMaxDeviceBytes = 64;
inline constexpr std::size_t kMaxChannelBytes = 64;
inline constexpr std::size_t kMaxDomainBytes = 1023;  ///< RFC 7622 §3.2.
/// What FCM takes for a whole message. A phone may register with less: see proxy::kMaxTokenBytes.
inline constexpr std::size_t kMaxTargetBytes = 4096;

/// Whether a text is what a device or a channel is: 40 lowercase hex characters.
constexpr bool isSha1(std::string_view text) noexcept {
  if (text.size() != 40) return false;
  for (const char c : text) {
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

/// What identifies a registration: a device that comes back with the same key gets the same node and secret.
struct DeviceKey {
  Service service = Service::fcm;
  std::string device;  ///< 40 lowercase hex characters: SHA-1 of `bareJID NUL deviceId`.
  std::string
      channel;  ///< The same of `roomJID NUL deviceId` if the registration is for one channel, else empty.

  bool operator==(const DeviceKey&) const = default;
};

/// One phone's registration: all that p2 keeps of it. A value.
struct Registration {
  using Time = std::chrono::sys_seconds;

  std::string node;     ///< 12 characters: what the user's server publishes to.
  core::Secret secret;  ///< 24 characters: what that server must present.
  DeviceKey key;
  /// The domain of the account's JID, the only one that may publish; empty if it is not kept: then any may.
  std::string domain;
  core::Target target;
  Time created{};
  Time lastRegistered{};

  /// Whether a server of this domain may publish, if it knows the secret.
  bool admits(const std::string& sender) const { return domain.empty() || sender == domain; }

  bool operator==(const Registration&) const = default;
};

}  // namespace p2::store
