#include "EventLog.h"

#include <Poco/Logger.h>

namespace p2::proxy {

void logEvent(Poco::Message::Priority priority, const std::string& before, const std::string& node,
              const std::string& domain, const std::string& after) {
  auto& log = Poco::Logger::get("proxy");
  if (!log.is(priority)) return;
  const std::string shown = node.substr(0, 4);
  Poco::Message message(log.name(), before + shown + (domain.empty() ? "~" : "~ of " + domain) + after,
                        priority);
  message.set("node", shown);
  message.set("domain", domain);
  log.log(message);
}

}  // namespace p2::proxy
