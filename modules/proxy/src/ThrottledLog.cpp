#include "ThrottledLog.h"

#include <Poco/Logger.h>

namespace p2::proxy {

void ThrottledLog::note(Poco::Message::Priority priority, const std::string& text) {
  const auto now = _clock.now();
  const auto suppressed = _repeats.with([&](Repeats& repeats) { return repeats.admit(text, now); });
  if (!suppressed) return;
  std::string line = text;
  if (*suppressed > 0) line += " (" + std::to_string(*suppressed) + " more since the last such line)";
  auto& log = Poco::Logger::get("proxy");
  log.log(Poco::Message(log.name(), line, priority));
}

}  // namespace p2::proxy
