#include "CommandSessions.h"

#include <Poco/DigestEngine.h>
#include <Poco/HMACEngine.h>
#include <Poco/NumberFormatter.h>
#include <Poco/NumberParser.h>
#include <Poco/SHA1Engine.h>

#include <random>
#include <utility>

namespace p2::proxy {

namespace {

constexpr int kKeyWords = 8;
constexpr std::size_t kTimeSize = 16;  // hex digits of seconds since 1970

Poco::UInt64 secondsOf(std::chrono::system_clock::time_point time) {
  return static_cast<Poco::UInt64>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

core::Secret drawKey() {
  std::random_device random;
  std::string key;
  for (int i = 0; i < kKeyWords; ++i) key += Poco::NumberFormatter::formatHex(random(), 8);
  return core::Secret(std::move(key));
}

}  // namespace

CommandSessions::CommandSessions() : _key(drawKey()) {}

std::string CommandSessions::create(std::string_view client, std::string_view command,
                                    std::chrono::system_clock::time_point now) const {
  const std::string time = Poco::NumberFormatter::formatHex(secondsOf(now), static_cast<int>(kTimeSize));
  return time + sign(time, client, command);
}

CommandSessions::Verdict CommandSessions::check(std::string_view id, std::string_view client,
                                                std::string_view command,
                                                std::chrono::system_clock::time_point now) const {
  if (id.size() <= kTimeSize) return Verdict::forged;
  const std::string time(id.substr(0, kTimeSize));
  if (!core::Secret(sign(time, client, command)).equals(id.substr(kTimeSize))) return Verdict::forged;
  Poco::UInt64 made = 0;
  if (!Poco::NumberParser::tryParseHex64(time, made)) return Verdict::forged;
  const auto lifetime = static_cast<Poco::UInt64>(std::chrono::seconds(kLifetime).count());
  return secondsOf(now) > made + lifetime ? Verdict::expired : Verdict::valid;
}

std::string CommandSessions::sign(std::string_view time, std::string_view client,
                                  std::string_view command) const {
  Poco::HMACEngine<Poco::SHA1Engine> hmac(_key.reveal());
  for (const auto part : {time, client, command}) {
    hmac.update(part.data(), part.size());
    hmac.update('\0');
  }
  return Poco::DigestEngine::digestToHex(hmac.digest());
}

}  // namespace p2::proxy
