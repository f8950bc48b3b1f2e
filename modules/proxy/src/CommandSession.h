#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace p2::proxy {

/// What is to be thought of the session id that a client sends with an ad-hoc command.
enum class SessionVerdict { valid, expired, foreign };

/// A session that is not ended by then is no more.
inline constexpr std::chrono::minutes kSessionLifetime{15};

/// Session ids for ad-hoc commands (XEP-0050 §3.1) that need no memory: an id holds the time at which it was
/// made and a hash of it, the client and the command. Every p2 knows those of every other, for the next step
/// of a command may come to another one. No key is needed: a session lets nobody do more than a command
/// without one, which is taken as well. Pure.
std::string makeSessionId(std::string_view client, std::string_view command,
                          std::chrono::system_clock::time_point now);
/// `foreign`: it was made for another client or command, or by nobody.
SessionVerdict judgeSessionId(std::string_view id, std::string_view client, std::string_view command,
                              std::chrono::system_clock::time_point now);

}  // namespace p2::proxy
