#include "CommandSessions.h"

#include "p2/core/Secret.h"

#include <Poco/NumberFormatter.h>
#include <Poco/NumberParser.h>

namespace p2::proxy {

namespace {

constexpr std::size_t kTimeSize = 16;  // hex digits of seconds since 1970

Poco::UInt64 secondsOf(std::chrono::system_clock::time_point time) {
  return static_cast<Poco::UInt64>(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

std::string CommandSessions::create(std::string_view client, std::string_view command,
                                    std::chrono::system_clock::time_point now) const {
  const std::string time = Poco::NumberFormatter::formatHex(secondsOf(now), static_cast<int>(kTimeSize));
  return time + _sign.of({time, client, command});
}

CommandSessions::Verdict CommandSessions::check(std::string_view id, std::string_view client,
                                                std::string_view command,
                                                std::chrono::system_clock::time_point now) const {
  if (id.size() <= kTimeSize) return Verdict::forged;
  const std::string time(id.substr(0, kTimeSize));
  if (!core::Secret(_sign.of({time, client, command})).equals(id.substr(kTimeSize))) return Verdict::forged;
  Poco::UInt64 made = 0;
  if (!Poco::NumberParser::tryParseHex64(time, made)) return Verdict::forged;
  const auto lifetime = static_cast<Poco::UInt64>(std::chrono::seconds(kLifetime).count());
  return secondsOf(now) > made + lifetime ? Verdict::expired : Verdict::valid;
}

}  // namespace p2::proxy
