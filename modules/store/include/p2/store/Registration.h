#pragma once

#include "p2/core/Secret.h"
#include "p2/core/Target.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace p2::store {

/// The push service that reaches a device. The values are on disk.
enum class Service : std::uint8_t {
  fcm = 1,   ///< Firebase Cloud Messaging.
  apns = 2,  ///< Apple Push Notification service: only ever imported, kept for an export.
};

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
