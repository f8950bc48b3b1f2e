#include "p2/store/Service.h"

#include <algorithm>

namespace p2::store {

namespace {

char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::string_view nameOf(Service service) noexcept {
  switch (service) {
    case Service::fcm:
      return "FCM";
    case Service::apns:
      return "APNS";
  }
  return {};  // a value that checkKey() refuses
}

std::optional<Service> serviceNamed(std::string_view name) noexcept {
  const auto* const found = std::find_if(kServices.begin(), kServices.end(), [&](Service service) {
    const auto known = nameOf(service);
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char given, char ours) { return upper(given) == ours; });
  });
  return found == kServices.end() ? std::nullopt : std::optional(*found);
}

}  // namespace p2::store
