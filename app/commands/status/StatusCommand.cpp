#include "commands/status/StatusCommand.h"

#include "commands/ProgressBar.h"
#include "commands/status/StatusReport.h"
#include "links/StoreLink.h"
#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "p2/control/StatusJson.h"
#include "p2/core/Clock.h"
#include "p2/web/HttpEndpoint.h"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <sysexits.h>

namespace p2::app {

namespace {

constexpr CommandOption kJson{"json", "", "for programs: one JSON object"};
constexpr CommandOption kReady{"ready", "", "for health checks: say nothing but what is wrong"};
constexpr std::array kOptions{kStoreOption, kJson, kReady};

constexpr std::string_view kDetails =
    "Asks the running daemon how it is: the stream to the XMPP server, the access to FCM, pushes by outcome "
    "and how long they took, the queue, the registrations, and its last faults. Ends with 0 if it is "
    "connected or stands by for another p2, 75 if it is not, and 69 if no daemon runs. With --ready "
    "the exit code is 0 only if /readyz of the status page says that it is ready, and no registration is "
    "counted.";

/// Counted here and not by the daemon, which has other things to do. Nothing if the store cannot be read.
std::optional<control::DomainCounts> countDomains(const StoreLink& link, const Console& console) {
  const auto store = link.openReadOnly();
  if (!store) return std::nullopt;
  std::map<std::string, std::uint64_t, std::less<>> counts;
  std::uint64_t done = 0;
  ProgressBar progress(console, "counting", store.value()->statistics().registrations);
  const auto read = store.value()->forEach([&](const store::Registration& registration) {
    progress.show(++done);
    ++counts[registration.domain];
    return true;
  });
  if (!read) return std::nullopt;
  return mostOf(counts);
}

int sayReadiness(const Invocation& invocation, const control::DaemonStatus& status) {
  const auto reasons = web::unreadiness(status);
  for (const auto& reason : reasons) invocation.warn(reason);
  return reasons.empty() ? EX_OK : EX_TEMPFAIL;
}

int run(const Invocation& invocation) {
  const auto place = invocation.storeSettings();
  if (!place) return EX_CONFIG;
  const StoreLink link(*place);
  const auto answer = control::askDaemon(place->path, control::statusRequest());
  if (!answer) return invocation.fail(EX_UNAVAILABLE, answer.error());
  if (!answer.value()) {
    return invocation.fail(EX_UNAVAILABLE, "no daemon runs " + std::string(link.isHere() ? "" : "here ") +
                                               "with " + link.name() + ". Start it (systemctl start " +
                                               invocation.instance().unit() +
                                               ", or its container); if it does not stay, " +
                                               invocation.instance().call("check") + " tells why.");
  }
  const auto status = control::parseStatusAnswer(*answer.value());
  if (!status) return invocation.fail(EX_PROTOCOL, status.error());
  if (invocation.has(kReady.name)) return sayReadiness(invocation, status.value());
  const auto domains = countDomains(link, invocation.console);
  const auto now = std::chrono::floor<std::chrono::seconds>(core::wallTime());
  invocation.console.out << (invocation.has(kJson.name)
                                 ? control::statusJson(status.value(), now, domains) + '\n'
                                 : describeStatus(status.value(), domains, now));
  return status.value().connected || status.value().standingBy ? EX_OK : EX_TEMPFAIL;
}

}  // namespace

Command statusCommand() noexcept {
  return {"status", {}, "show how the running daemon is", kDetails, kOptions, run};
}

}  // namespace p2::app
