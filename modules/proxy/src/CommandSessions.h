#pragma once

#include "p2/core/Secret.h"

#include <chrono>
#include <string>
#include <string_view>

namespace p2::proxy {

/// Session ids for ad-hoc commands (XEP-0050 §3.1) that need no memory: an id holds the time at which it was
/// made and a keyed hash of it, the client and the command. Immutable.
class CommandSessions {
 public:
  enum class Verdict { valid, expired, forged };

  static constexpr std::chrono::minutes kLifetime{15};

  /// Draws a key: ids from before a restart are forged. It is no secret that people choose, as everybody gets
  /// ids and could try keys on them for as long as they like.
  CommandSessions();

  std::string create(std::string_view client, std::string_view command,
                     std::chrono::system_clock::time_point now) const;
  Verdict check(std::string_view id, std::string_view client, std::string_view command,
                std::chrono::system_clock::time_point now) const;

 private:
  std::string sign(std::string_view time, std::string_view client, std::string_view command) const;

  const core::Secret _key;
};

}  // namespace p2::proxy
