#pragma once

#include <cstdint>
#include <string>

/// The phones of the bench, and what travels for them. Each is a function of its number alone, so that no
/// program has to keep a list, and all send the same.
namespace p2::bench {

constexpr const char* kComponent = "push.example.org";

struct Phone {
  std::string node;
  std::string secret;
  std::string device;    ///< The hash that p2 stores, not the id that the phone sends.
  std::string deviceId;  ///< What the phone sends.
  std::string domain;
  std::string token;
};

Phone phone(std::uint64_t number);

/// A publish for it, in one of the shapes that ejabberd and Prosody write.
std::string publishStanza(const Phone& phone, std::uint64_t number, std::uint64_t id);
/// Its registration, as Conversations sends it.
std::string registerStanza(const Phone& phone, std::uint64_t number, std::uint64_t id);
/// The line of `p2 export` that holds its registration.
std::string exportLine(const Phone& phone);
/// What p2 posts to FCM for it.
std::string fcmMessage(const Phone& phone);

}  // namespace p2::bench
