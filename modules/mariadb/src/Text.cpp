#include "Text.h"

#include "p2/store/Validity.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace p2::mariadb {

namespace {

using core::Error;
using core::Result;

/// How many bytes follow the first one of a character; nothing begins with 4 of them.
std::size_t bytesAfter(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first < 0xE0) return 1;
  if (first >= 0xE0 && first < 0xF0) return 2;
  return first >= 0xF0 && first < 0xF5 ? 3 : 4;
}

/// Whether the number needs so many bytes, and is a character's.
bool isCharacter(std::uint32_t number, std::size_t bytes) {
  if (bytes == 3) return number >= 0x800 && (number < 0xD800 || number > 0xDFFF);
  return bytes != 4 || (number >= 0x10000 && number <= 0x10FFFF);
}

Result<void> checkPart(const char* what, std::string_view text) {
  if (isUtf8(text)) return {};
  return Error{std::string(what) + " is not UTF-8."};
}

}  // namespace

bool isUtf8(std::string_view bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[at++]);
    const std::size_t more = bytesAfter(first);
    if (more == 0) continue;
    if (more > 3 || bytes.size() - at < more) return false;
    std::uint32_t number = first & (0x3FU >> more);
    for (const char c : bytes.substr(at, more)) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xC0U) != 0x80) return false;
      number = number << 6U | (byte & 0x3FU);
    }
    if (!isCharacter(number, more + 1)) return false;
    at += more;
  }
  return true;
}

bool isPossible(std::string_view node) {
  return !node.empty() && node.size() <= store::kMaxNodeBytes && isUtf8(node);
}

bool isPossible(const store::DeviceKey& key) {
  return store::checkKey(key).ok() && isUtf8(key.device) && isUtf8(key.channel);
}

Result<void> checkText(const store::DeviceKey& key, std::string_view domain, const core::Target& target) {
  auto valid = checkPart("The device", key.device);
  if (valid.ok()) valid = checkPart("The channel", key.channel);
  if (valid.ok()) valid = checkPart("The domain", domain);
  return valid.ok() ? checkText(target) : valid;
}

Result<void> checkText(const core::Target& target) {
  return checkPart("The target", target.value.reveal());
}

Result<void> checkText(const store::Registration& registration) {
  auto valid = checkPart("The node", registration.node);
  if (valid.ok()) valid = checkPart("The secret", registration.secret.reveal());
  return valid.ok() ? checkText(registration.key, registration.domain, registration.target) : valid;
}

}  // namespace p2::mariadb
