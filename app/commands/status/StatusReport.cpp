#include "commands/status/StatusReport.h"

#include "p2/control/PushFigures.h"
#include "p2/core/Words.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

namespace p2::app {

namespace {

constexpr std::size_t kMostDomains = 20;

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
  if (status.standingBy) return "standing by at " + status.server + since + fault;
  if (!status.connected) return "NOT connected to " + status.server + since + fault;
  auto text = "connected to " + status.server + " as " + status.jid + since;
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
  if (outcome == "doubted") return "perhaps gone";
  return outcome;
}

std::string pushLine(const control::PushFigures& figures) {
  std::string text;
  for (const auto& [outcome, number] : figures.outcomes) {
    if (number > 0) text += (text.empty() ? "" : ", ") + count(number) + ' ' + std::string(inWords(outcome));
  }
  if (figures.coalesced > 0) {
    text += (text.empty() ? "" : ", ") + count(figures.coalesced) + " joined one that waited";
  }
  return text.empty() ? "none yet" : text;
}

std::string latencyLine(const control::PushFigures::Quantiles& quantiles) {
  std::string text;
  for (const auto& [label, time] : quantiles) {
    text += (text.empty() ? "" : ", ") + label + ' ' + milliseconds(time);
  }
  return text.empty() ? "nothing measured yet" : text;
}

std::string queueText(std::uint64_t queued, std::uint64_t workers) {
  return core::grouped(queued) + " waiting, " + core::grouped(workers) + " workers";
}

/// The sum, and if there are several push services each of them.
std::string queueLines(const control::DaemonStatus& status) {
  std::string text = row("queue", queueText(status.queued, status.workers));
  if (status.services.size() < 2) return text;
  for (const auto& service : status.services) {
    text += row("  " + service.title, queueText(service.queued, service.workers));
  }
  return text;
}

std::string pushLines(const control::DaemonStatus& status) {
  const auto figures = control::pushFiguresIn(status.metrics);
  return row("pushes", pushLine(figures)) + row("  whole way", latencyLine(figures.wholeWay)) +
         row("  FCM alone", latencyLine(figures.fcmAlone)) + queueLines(status);
}

std::string domainLines(const control::DomainCounts& domains) {
  std::string text;
  for (const auto& [domain, number] : domains.most) text += row("", core::grouped(number) + "  " + domain);
  if (domains.otherDomains > 0) {
    text += row("", "and " + core::grouped(domains.otherDomains) + " more domains");
  }
  if (domains.withoutDomain > 0) {
    text += row("", core::grouped(domains.withoutDomain) + "  stored without their domain");
  }
  return text;
}

/// A store that fails may not have been counted.
std::string registrationsText(const control::DaemonStatus& status) {
  if (!status.storeFault.empty() && status.registrations == 0) return "not known while the store fails";
  return core::grouped(status.registrations) + " in " + core::grouped(status.storeBytes / 1024) + " KiB";
}

/// What is wrong with a host is said with it, unless it is what is wrong with the whole.
std::string storeLines(const control::DaemonStatus& status, control::DaemonStatus::Time now) {
  // A daemon of before does not say where.
  std::string text = status.store.empty() ? "" : row("store", status.store);
  for (const auto& host : status.storeHosts) {
    const bool isAll = host.fault == status.storeFault;
    text += row("", host.name + (host.used ? ", in use" : "") +
                        (host.fault.empty() || isAll ? "" : ", let alone: " + host.fault));
  }
  if (status.storeFault.empty()) return text;
  const auto since =
      status.storeFailsSince ? " for " + core::inWords(now - *status.storeFailsSince) : std::string();
  return text + row("", "FAILS" + since + ": " + status.storeFault);
}

/// A daemon of another version may not say which service it is.
std::string attentionLines(const control::DaemonStatus& status) {
  constexpr auto* kMeaning =
      " calls most targets gone: its credentials may belong to another project than the app. Nothing is "
      "removed meanwhile.";
  std::string text;
  for (const auto& service : status.services) {
    if (service.targetsSeemGone) text += row("ATTENTION", service.title + kMeaning);
  }
  if (text.empty() && status.targetsSeemGone) {
    text = row("ATTENTION", std::string("the push service") + kMeaning);
  }
  return text;
}

}  // namespace

control::DomainCounts mostOf(const std::map<std::string, std::uint64_t, std::less<>>& domains) {
  control::DomainCounts counts;
  for (const auto& [domain, number] : domains) {
    if (domain.empty()) {
      counts.withoutDomain = number;
    } else {
      counts.most.emplace_back(domain, number);
    }
  }
  std::stable_sort(counts.most.begin(), counts.most.end(),
                   [](const auto& one, const auto& other) { return one.second > other.second; });
  if (counts.most.size() > kMostDomains) {
    counts.otherDomains = counts.most.size() - kMostDomains;
    counts.most.resize(kMostDomains);
  }
  return counts;
}

std::string describeStatus(const control::DaemonStatus& status,
                           const std::optional<control::DomainCounts>& domains,
                           control::DaemonStatus::Time now) {
  // A daemon of before does not say where it is.
  const auto where = status.instance.empty() ? "" : " on " + status.instance;
  std::string text = row("p2", status.version + where + ", pid " + std::to_string(status.pid) +
                                   ", running for " + core::inWords(now - status.started));
  if (!status.clockFault.empty()) text += row("clock", "WAITS: " + status.clockFault);
  text += row("XMPP", streamLine(status, now));
  text += row("FCM", tokenLine(status, now));
  text += pushLines(status);
  text += row("registrations", registrationsText(status));
  if (domains) text += domainLines(*domains);
  text += storeLines(status, now);
  if (!status.secondFault.empty()) text += row("ATTENTION", status.secondFault);
  text += attentionLines(status);
  if (!status.faults.empty()) text += row("last faults", "");
  for (const auto& fault : status.faults) text += "  " + core::isoTime(fault.time) + "  " + fault.text + '\n';
  return text;
}

}  // namespace p2::app
