#include "daemon/StateMetrics.h"

#include "p2/core/Version.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace p2::app {

namespace {

/// 0 if the system does not say.
std::int64_t residentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t pages = 0;
  std::int64_t residentPages = 0;
  statm >> pages >> residentPages;
  return residentPages * ::sysconf(_SC_PAGESIZE);
}

std::int64_t openFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(files), end(files));
}

}  // namespace

StateMetrics::StateMetrics(core::Metrics& metrics)
    : _metrics(metrics),
      _standingBy(metrics.gauge("p2_component_standing_by",
                                "1 while the XMPP server has another p2's stream and this one waits for its "
                                "turn.")),
      _second(metrics.gauge("p2_component_second",
                            "1 while another p2, which does not share the store, is connected under the "
                            "same name.")),
      _clockUnset(metrics.gauge("p2_clock_unset",
                                "1 while p2 waits until this machine's clock is set, as it shows what "
                                "cannot be.")),
      _registrations(metrics.gauge("p2_registrations", "Registrations in the store.")),
      _usedBytes(metrics.gauge("p2_store_used_bytes", "What the store takes on the disk.")),
      _mapBytes(metrics.gauge("p2_store_map_bytes", "What the store may take before its map must grow.")),
      _pendingChanges(metrics.gauge("p2_store_pending_changes", "Changes that wait for the disk.")),
      _storeFailing(
          metrics.gauge("p2_store_failing", "1 while the last attempt to read or write the store failed.")),
      _hostsFailing(metrics.gauge("p2_store_hosts_failing",
                                  "Hosts of the database that are let alone because they cannot serve.")),
      _tokenValid(metrics.gauge("p2_fcm_access_token_valid",
                                "1 while there is an access token for FCM, or none is needed.")),
      _tokenExpiry(metrics.gauge("p2_fcm_access_token_expiry_timestamp_seconds",
                                 "When the access token expires; 0 if there is none.")),
      _unsentAnswers(metrics.gauge("p2_answers_unsent", "Answers that wait for the XMPP server.")),
      _startTime(metrics.gauge("process_start_time_seconds", "When p2 started, since 1970.")),
      _residentBytes(metrics.gauge("process_resident_memory_bytes",
                                   "Memory in use, with the pages of the store that are in it.")),
      _openFiles(metrics.gauge("process_open_fds", "Open file descriptors.")) {
  metrics.gauge("p2_build_info", "1, with the version as label.", {{"version", std::string(core::kVersion)}})
      .set(1);
}

void StateMetrics::set(const control::DaemonStatus& status) const {
  _standingBy.set(status.standingBy ? 1 : 0);
  _second.set(status.secondFault.empty() ? 0 : 1);
  _clockUnset.set(status.clockFault.empty() ? 0 : 1);
  _registrations.set(static_cast<std::int64_t>(status.registrations));
  _usedBytes.set(static_cast<std::int64_t>(status.storeBytes));
  _mapBytes.set(static_cast<std::int64_t>(status.storeMapBytes));
  _pendingChanges.set(static_cast<std::int64_t>(status.pendingChanges));
  _storeFailing.set(status.storeFault.empty() ? 0 : 1);
  _hostsFailing.set(std::count_if(status.storeHosts.begin(), status.storeHosts.end(),
                                  [](const auto& host) { return !host.fault.empty(); }));
  _tokenValid.set(status.tokenValid || status.legacy ? 1 : 0);
  _tokenExpiry.set(status.tokenExpires ? status.tokenExpires->time_since_epoch().count() : 0);
  for (const auto& service : status.services) {
    _metrics
        .gauge("p2_targets_seem_gone",
               "1 while the push service calls most targets gone and none is removed therefore.",
               {{"service", service.key}})
        .set(service.targetsSeemGone ? 1 : 0);
  }
  _unsentAnswers.set(static_cast<std::int64_t>(status.unsentAnswers));
  _startTime.set(status.started.time_since_epoch().count());
  _residentBytes.set(residentBytes());
  _openFiles.set(openFiles());
}

}  // namespace p2::app
