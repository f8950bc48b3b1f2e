#include "commands/status/StatusReport.h"

#include "commands/ProgressBar.h"
#include "commands/status/MetricsText.h"
#include "p2/core/Words.h"
#include "p2/transfer/RegistrationJson.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <utility>
#include <vector>

namespace p2::app {

namespace {

constexpr std::size_t kMostDomains = 20;
constexpr const char* kPushes = "p2_pushes_total";
constexpr const char* kWholeWay = "p2_push_seconds";
constexpr const char* kFcm = "p2_fcm_request_seconds";
constexpr std::array kShares{std::pair{"p50", 0.5}, std::pair{"p95", 0.95}, std::pair{"p99", 0.99}};

/// The domains with the most registrations, and how many domains there are besides.
struct TopDomains {
  std::vector<std::pair<std::string, std::uint64_t>> first;
  std::size_t others = 0;
};

TopDomains topOf(const DomainCounts& domains) {
  TopDomains top{{domains.begin(), domains.end()}, 0};
  top.first.erase(std::remove_if(top.first.begin(), top.first.end(),
                                 [](const auto& entry) { return entry.first.empty(); }),
                  top.first.end());
  std::stable_sort(top.first.begin(), top.first.end(),
                   [](const auto& one, const auto& other) { return one.second > other.second; });
  if (top.first.size() > kMostDomains) {
    top.others = top.first.size() - kMostDomains;
    top.first.resize(kMostDomains);
  }
  return top;
}

/// The registrations that are stored without a domain.
std::uint64_t withoutDomain(const DomainCounts& domains) {
  const auto found = domains.find("");
  return found == domains.end() ? 0 : found->second;
}

std::string row(std::string_view name, const std::string& text) {
  constexpr std::size_t kColumn = 15;
  return std::string(name) + std::string(kColumn - std::min(kColumn - 1, name.size()), ' ') + text + '\n';
}

std::string milliseconds(std::chrono::duration<double> time) {
  return std::to_string(std::lround(time.count() * 1000)) + " ms";
}

std::string count(double number) {
  return core::grouped(static_cast<std::uint64_t>(std::max(0.0, number)));
}

std::string streamLine(const control::DaemonStatus& status, control::DaemonStatus::Time now) {
  const auto since = " for " + core::inWords(now - status.since);
  const auto fault = status.streamFault.empty() ? "" : ": " + status.streamFault;
  if (!status.connected) return "NOT connected to " + status.server + since + fault;
  const auto text = "connected to " + status.server + " as " + status.jid + since;
  if (status.streams <= 1) return text;
  return text + ", " + std::to_string(status.openStreams) + " of " + std::to_string(status.streams) +
         " streams" + (status.openStreams < status.streams ? fault : "");
}

std::string tokenLine(const control::DaemonStatus& status, control::DaemonStatus::Time now) {
  if (status.legacy) return "legacy interface, no access token is needed";
  std::string text = status.tokenValid ? "access token valid" : "no access token";
  if (status.tokenValid && status.tokenExpires) text += " for " + core::inWords(*status.tokenExpires - now);
  if (!status.tokenFault.empty()) return text + "; the last request failed: " + status.tokenFault;
  return text + (status.tokenValid ? "" : " yet: it is fetched with the first push");
}

/// What became of pushes, for a person.
std::string_view inWords(std::string_view outcome) {
  if (outcome == "target_gone") return "gone";
  if (outcome == "doubted") return "perhaps gone (fcm.goneAfter)";
  return outcome;
}

std::string pushLine(const MetricsText& metrics) {
  std::string text;
  for (const auto& [outcome, number] : metrics.by(kPushes, "outcome")) {
    if (number > 0) text += (text.empty() ? "" : ", ") + count(number) + ' ' + std::string(inWords(outcome));
  }
  const auto coalesced = metrics.total("p2_push_coalesced_total");
  if (coalesced > 0) text += (text.empty() ? "" : ", ") + count(coalesced) + " joined one that waited";
  return text.empty() ? "none yet" : text;
}

std::string latencyLine(const MetricsText& metrics, const char* name) {
  std::string text;
  for (const auto& [label, share] : kShares) {
    const auto time = metrics.quantile(name, share);
    if (time) text += (text.empty() ? "" : ", ") + std::string(label) + ' ' + milliseconds(*time);
  }
  return text.empty() ? "nothing measured yet" : text;
}

std::string domainLines(const DomainCounts& domains) {
  std::string text;
  const auto top = topOf(domains);
  for (const auto& [domain, number] : top.first) text += row("", core::grouped(number) + "  " + domain);
  if (top.others > 0) text += row("", "and " + core::grouped(top.others) + " more domains");
  if (const auto number = withoutDomain(domains); number > 0) {
    text += row("", core::grouped(number) + "  stored without their domain");
  }
  return text;
}

Poco::JSON::Object latencyJson(const MetricsText& metrics, const char* name) {
  Poco::JSON::Object object;
  for (const auto& [label, share] : kShares) {
    if (const auto time = metrics.quantile(name, share)) object.set(label, time->count());
  }
  return object;
}

Poco::JSON::Array faultsJson(const control::DaemonStatus& status) {
  Poco::JSON::Array list;
  for (const auto& fault : status.faults) {
    Poco::JSON::Object entry;
    entry.set("time", core::isoTime(fault.time));
    entry.set("text", fault.text);
    list.add(entry);
  }
  return list;
}

Poco::JSON::Object domainsJson(const DomainCounts& domains) {
  Poco::JSON::Object object;
  for (const auto& [domain, number] : topOf(domains).first) object.set(domain, number);
  return object;
}

}  // namespace

std::string describeStatus(const control::DaemonStatus& status, const std::optional<DomainCounts>& domains,
                           control::DaemonStatus::Time now) {
  const MetricsText metrics(status.metrics);
  std::string text = row("p2", status.version + ", pid " + std::to_string(status.pid) + ", running for " +
                                   core::inWords(now - status.started));
  text += row("XMPP", streamLine(status, now));
  text += row("FCM", tokenLine(status, now));
  text += row("pushes", pushLine(metrics));
  text += row("  whole way", latencyLine(metrics, kWholeWay));
  text += row("  FCM alone", latencyLine(metrics, kFcm));
  text +=
      row("queue", core::grouped(status.queued) + " waiting, " + core::grouped(status.workers) + " workers");
  text += row("registrations", core::grouped(status.registrations) + " in " +
                                   core::grouped(status.storeBytes / 1024) + " KiB");
  if (domains) text += domainLines(*domains);
  if (!status.storeFault.empty()) text += row("store", status.storeFault);
  if (status.targetsSeemGone) {
    text += row("ATTENTION",
                "FCM calls most targets gone: the service account may belong to another "
                "project than the app. Nothing is removed meanwhile.");
  }
  if (!status.faults.empty()) text += row("last faults", "");
  for (const auto& fault : status.faults) text += "  " + core::isoTime(fault.time) + "  " + fault.text + '\n';
  return text;
}

std::string statusJson(const control::DaemonStatus& status, const std::optional<DomainCounts>& domains,
                       control::DaemonStatus::Time now) {
  const MetricsText metrics(status.metrics);
  Poco::JSON::Object object;
  object.set("version", status.version);
  object.set("pid", status.pid);
  object.set("runningSeconds", (now - status.started).count());
  object.set("connected", status.connected);
  object.set("streams", status.streams);
  object.set("openStreams", status.openStreams);
  object.set("since", core::isoTime(status.since));
  object.set("server", status.server);
  object.set("component", status.jid);
  object.set("streamFault", status.streamFault);
  object.set("legacyApi", status.legacy);
  object.set("accessTokenValid", status.tokenValid);
  if (status.tokenExpires) object.set("accessTokenExpires", core::isoTime(*status.tokenExpires));
  object.set("accessTokenFault", status.tokenFault);
  object.set("targetsSeemGone", status.targetsSeemGone);
  Poco::JSON::Object pushes;
  for (const auto& [outcome, number] : metrics.by(kPushes, "outcome")) pushes.set(outcome, number);
  object.set("pushes", pushes);
  object.set("pushSeconds", latencyJson(metrics, kWholeWay));
  object.set("fcmSeconds", latencyJson(metrics, kFcm));
  object.set("queued", status.queued);
  object.set("workers", status.workers);
  object.set("registrations", status.registrations);
  object.set("storeBytes", status.storeBytes);
  object.set("storeFault", status.storeFault);
  if (domains) {
    object.set("domains", domainsJson(*domains));
    object.set("withoutDomain", withoutDomain(*domains));
  }
  object.set("faults", faultsJson(status));
  std::ostringstream text;
  object.stringify(text);
  return text.str();
}

}  // namespace p2::app
