#include "CommandSession.h"

#include <Poco/DigestEngine.h>
#include <Poco/NumberFormatter.h>
#include <Poco/NumberParser.h>
#include <Poco/SHA1Engine.h>

namespace p2::proxy {

namespace {

constexpr std::size_t kTimeSize = 16;  // hex digits of seconds since 1970

Poco::UInt64 secondsOf(std::chrono::system_clock::time_point time) {
  return static_cast<Poco::UInt64>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

std::string hashOf(std::string_view time, std::string_view client, std::string_view command) {
  Poco::SHA1Engine sha1;
  for (const auto text : {time, client, command}) {
    sha1.update(text.data(), text.size());
    sha1.update('\0');
  }
  return Poco::DigestEngine::digestToHex(sha1.digest());
}

}  // namespace

std::string makeSessionId(std::string_view client, std::string_view command,
                          std::chrono::system_clock::time_point now) {
  const std::string time = Poco::NumberFormatter::formatHex(secondsOf(now), static_cast<int>(kTimeSize));
  return time + hashOf(time, client, command);
}

SessionVerdict judgeSessionId(std::string_view id, std::string_view client, std::string_view command,
                              std::chrono::system_clock::time_point now) {
  if (id.size() <= kTimeSize) return SessionVerdict::foreign;
  const std::string time(id.substr(0, kTimeSize));
  if (hashOf(time, client, command) != id.substr(kTimeSize)) return SessionVerdict::foreign;
  Poco::UInt64 made = 0;
  if (!Poco::NumberParser::tryParseHex64(time, made)) return SessionVerdict::foreign;
  const auto lifetime = static_cast<Poco::UInt64>(std::chrono::seconds(kSessionLifetime).count());
  return secondsOf(now) > made + lifetime ? SessionVerdict::expired : SessionVerdict::valid;
}

}  // namespace p2::proxy
