#pragma once

#include "KeyedHash.h"

#include <chrono>
#include <string>
#include <string_view>

namespace p2::proxy {

/// Session ids for ad-hoc commands (XEP-0050 §3.1) that need no memory: an id holds the time at which it was
/// made and a keyed hash of it, the client and the command. The key is drawn: ids from before a restart are
/// forged. It is no secret that people choose, as everybody gets ids and could try keys on them for as long
/// as they like. Immutable.
class CommandSessions {
 public:
  enum class Verdict { valid, expired, forged };

  static constexpr std::chrono::minutes kLifetime{15};

  std::string create(std::string_view client, std::string_view command,
                     std::chrono::system_clock::time_point now) const;
  Verdict check(std::string_view id, std::string_view client, std::string_view command,
                std::chrono::system_clock::time_point now) const;

 private:
  const KeyedHash _sign;
};

}  // namespace p2::proxy
