#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace p2::store {

/// The push service that reaches a device. The values are on disk.
enum class Service : std::uint8_t {
  fcm = 1,   ///< Firebase Cloud Messaging.
  apns = 2,  ///< Apple Push Notification service: only ever imported, kept for an export.
};

/// All of them.
inline constexpr std::array kServices{Service::fcm, Service::apns};

/// `FCM`: what it is called in texts, in an export and in the reference service's table.
std::string_view nameOf(Service service) noexcept;
/// The service with that name, in either case; nothing if there is none.
std::optional<Service> serviceNamed(std::string_view name) noexcept;

}  // namespace p2::store
