#include "daemon/StateMetrics.h"
#include "support/Catch.h"

#include <string>

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;

namespace {

bool hasLine(const std::string& text, const std::string& line) {
  return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("The state of store, access token and guard shows in the metrics, and follows what happens") {
  core::Metrics metrics;
  const StateMetrics state(metrics);
  control::DaemonStatus status;
  status.started = control::DaemonStatus::Time(1'700'000'000s);
  status.registrations = 42;
  status.storeBytes = 65536;
  status.storeMapBytes = 16777216;
  status.pendingChanges = 3;
  status.unsentAnswers = 2;
  status.services = {{"fcm", "FCM", false, 0, 0}, {"apns", "APNs", false, 0, 0}};
  status.tokenValid = true;
  status.tokenExpires = control::DaemonStatus::Time(1'700'003'600s);
  state.set(status);
  auto text = metrics.render();
  for (const char* line :
       {"p2_registrations 42", "p2_store_used_bytes 65536", "p2_store_map_bytes 16777216",
        "p2_store_pending_changes 3", "p2_store_failing 0", "p2_store_hosts_failing 0",
        "p2_fcm_access_token_valid 1", "p2_fcm_access_token_expiry_timestamp_seconds 1700003600",
        "p2_targets_seem_gone{service=\"fcm\"} 0", "p2_answers_unsent 2", "p2_clock_unset 0",
        "p2_component_second 0", "process_start_time_seconds 1700000000"}) {
    INFO(text);
    CHECK(hasLine(text, line));
  }
  CHECK_FALSE(hasLine(text, "process_open_fds 0"));
  CHECK_FALSE(hasLine(text, "process_resident_memory_bytes 0"));
  CHECK(text.find("p2_build_info{version=\"") != std::string::npos);

  status.tokenValid = false;
  status.tokenExpires = std::nullopt;
  status.storeFault = "no space";
  status.clockFault = "it shows 1970";
  status.secondFault = "another p2 is connected";
  status.storeHosts = {{"db1:3306", false, "It is down."}, {"db2:3306", true, ""}};
  status.services[1].targetsSeemGone = true;
  state.set(status);
  text = metrics.render();
  for (const char* line :
       {"p2_clock_unset 1", "p2_component_second 1", "p2_store_failing 1", "p2_store_hosts_failing 1",
        "p2_fcm_access_token_valid 0", "p2_fcm_access_token_expiry_timestamp_seconds 0",
        "p2_targets_seem_gone{service=\"fcm\"} 0", "p2_targets_seem_gone{service=\"apns\"} 1"}) {
    CHECK(hasLine(text, line));
  }
  status.legacy = true;
  state.set(status);
  CHECK(hasLine(metrics.render(), "p2_fcm_access_token_valid 1"));
}
