#include "p2/store/Validity.h"

#include <cstddef>
#include <string>

namespace p2::store {

namespace {

using core::Error;
using core::Result;
using core::Target;

Result<void> checkLength(const char* what, std::size_t bytes, std::size_t least, std::size_t most) {
  if (bytes >= least && bytes <= most) return {};
  return Error{std::string(what) + " has " + std::to_string(bytes) + " bytes; it must have " +
               std::to_string(least) + " to " + std::to_string(most) + "."};
}

Result<void> checkCodes(Service service, Target::Kind kind) {
  if (!serviceOf(static_cast<std::uint8_t>(service))) return Error{"The push service is unknown."};
  if (!kindOf(static_cast<std::uint8_t>(kind))) return Error{"The kind of target is unknown."};
  return {};
}

}  // namespace

std::optional<Service> serviceOf(std::uint8_t value) {
  switch (value) {
    case static_cast<std::uint8_t>(Service::fcm):
      return Service::fcm;
    case static_cast<std::uint8_t>(Service::apns):
      return Service::apns;
    default:
      return std::nullopt;
  }
}

std::optional<Target::Kind> kindOf(std::uint8_t value) {
  switch (value) {
    case static_cast<std::uint8_t>(Target::Kind::registrationToken):
      return Target::Kind::registrationToken;
    case static_cast<std::uint8_t>(Target::Kind::installationId):
      return Target::Kind::installationId;
    default:
      return std::nullopt;
  }
}

Result<void> checkKey(const DeviceKey& key) {
  auto valid = checkLength("The device", key.device.size(), 1, kMaxDeviceBytes);
  if (valid.ok()) valid = checkLength("The channel", key.channel.size(), 0, kMaxChannelBytes);
  if (valid.ok()) valid = checkCodes(key.service, Target::Kind::registrationToken);
  return valid;
}

Result<void> checkContent(std::string_view domain, const Target& target) {
  auto valid = checkLength("The domain", domain.size(), 0, kMaxDomainBytes);
  return valid.ok() ? checkTarget(target) : valid;
}

Result<void> checkTarget(const Target& target) {
  auto valid = checkLength("The target", target.value.reveal().size(), 1, kMaxTargetBytes);
  if (valid.ok()) valid = checkCodes(Service::fcm, target.kind);
  return valid;
}

Result<void> checkEnrolment(const DeviceKey& key, std::string_view domain, const Target& target) {
  auto valid = checkKey(key);
  if (valid.ok()) valid = checkContent(domain, target);
  if (valid.ok() && domain.empty()) return Error{"The domain is missing."};
  return valid;
}

Result<void> checkRegistration(const Registration& registration) {
  auto valid = checkLength("The node", registration.node.size(), 1, kMaxNodeBytes);
  if (valid.ok()) {
    valid = checkLength("The secret", registration.secret.reveal().size(), 1, kMaxSecretBytes);
  }
  if (valid.ok()) valid = checkKey(registration.key);
  if (valid.ok()) valid = checkContent(registration.domain, registration.target);
  return valid;
}

}  // namespace p2::store
