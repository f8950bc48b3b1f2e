#include "commands/ProgressBar.h"
#include "commands/status/StatusReport.h"
#include "p2/control/DaemonStatus.h"
#include "support/Catch.h"
#include "support/Has.h"
#include "support/RandomStatus.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::app;
using test::has;
using namespace std::chrono_literals;

namespace {

control::DaemonStatus example() {
  control::DaemonStatus status;
  status.version = "1.2";
  status.instance = "one.example.org";
  status.pid = 77;
  status.started = control::DaemonStatus::Time(1000s);
  status.server = "127.0.0.1:5347";
  status.jid = "push.example.org";
  status.streams = status.openStreams = 1;
  status.connected = true;
  status.since = control::DaemonStatus::Time(1001s);
  status.tokenValid = true;
  status.tokenExpires = control::DaemonStatus::Time(4600s);
  status.services = {{"fcm", "FCM", false, 3, 2}};
  status.queued = 3;
  status.workers = 2;
  status.registrations = 1234;
  status.storeBytes = 2048;
  status.faults = {{control::DaemonStatus::Time(0s), "a \"fault\""}};
  status.metrics =
      "# TYPE p2_pushes_total counter\np2_pushes_total{service=\"fcm\",outcome=\"delivered\"} 1500\n"
      "p2_pushes_total{service=\"fcm\",outcome=\"retry\"} 0\n";
  return status;
}

}  // namespace

TEST_CASE("A person reads how the daemon is") {
  const auto text = describeStatus(example(), mostOf({{"a.example", 4}, {"b.example", 1230}}),
                                   control::DaemonStatus::Time(4600s));
  CHECK(has(text, "p2             1.2 on one.example.org, pid 77, running for 1 h\n"));
  CHECK(has(text, "connected to 127.0.0.1:5347 as push.example.org for 59 min 59 s\n"));
  CHECK(has(text, "1,500 delivered\n"));
  CHECK_FALSE(has(text, "retry"));
  CHECK(has(text, "3 waiting, 2 workers"));
  CHECK(has(text, "1,234 in 2 KiB"));
  CHECK(text.find("1,230  b.example") < text.find("4  a.example"));
  CHECK(has(text, "1970-01-01T00:00:00Z  a \"fault\""));
}

TEST_CASE("One that stands by says so, and what for, and a daemon of before does not say where it is") {
  auto status = example();
  status.connected = false;
  status.standingBy = true;
  status.openStreams = 0;
  status.streamFault = "another p2 is connected";
  status.instance.clear();
  const auto text = describeStatus(status, {}, control::DaemonStatus::Time(4600s));
  CHECK(has(text, "standing by at 127.0.0.1:5347 for 59 min 59 s: another p2 is connected\n"));
  CHECK_FALSE(has(text, "NOT connected"));
  CHECK(has(text, "p2             1.2, pid 77, running for 1 h\n"));
}

TEST_CASE("Of several push services the sums are shown and each of them, and whose targets seem gone") {
  auto status = example();
  const auto now = control::DaemonStatus::Time(4600s);
  CHECK_FALSE(has(describeStatus(status, {}, now), "\n  FCM   "));
  CHECK_FALSE(has(describeStatus(status, {}, now), "ATTENTION"));
  status.services.push_back({"apns", "APNs", true, 1000, 5});
  status.targetsSeemGone = true;
  status.queued += 1000;
  status.workers += 5;
  status.metrics += "p2_pushes_total{service=\"apns\",outcome=\"delivered\"} 1\n";
  const auto text = describeStatus(status, {}, now);
  CHECK(has(text, "1,501 delivered\n"));
  CHECK(has(text,
            "queue          1,003 waiting, 7 workers\n"
            "  FCM          3 waiting, 2 workers\n"
            "  APNs         1,000 waiting, 5 workers\n"));
  CHECK(has(text, "ATTENTION      APNs calls most targets gone"));
  CHECK_FALSE(has(text, "FCM calls"));
}

TEST_CASE("A daemon of another version that does not say whose targets seem gone is heard all the same") {
  auto status = example();
  status.services.clear();
  status.targetsSeemGone = true;
  const auto text = describeStatus(status, {}, control::DaemonStatus::Time(4600s));
  CHECK(has(text, "ATTENTION      the push service calls most targets gone"));
}

TEST_CASE("A daemon without a connection says so and why") {
  auto status = example();
  status.connected = false;
  status.streamFault = "cannot reach it";
  CHECK(has(describeStatus(status, {}, control::DaemonStatus::Time(1061s)),
            "NOT connected to 127.0.0.1:5347 for 1 min: cannot reach it\n"));
  status.connected = true;
  status.streams = 4;
  status.openStreams = 3;
  CHECK(has(describeStatus(status, {}, control::DaemonStatus::Time(1061s)),
            "3 of 4 streams: cannot reach it\n"));
}

TEST_CASE(
    "A person reads where registrations are, which host is used, and why the store fails for how long") {
  auto status = example();
  const auto now = control::DaemonStatus::Time(4600s);
  CHECK_FALSE(has(describeStatus(status, {}, now), "\nstore "));  // of a daemon of before
  status.store = "LMDB in /var/lib/p2";
  CHECK(has(describeStatus(status, {}, now), "\nstore          LMDB in /var/lib/p2\n"));
  status.store = "MariaDB, database p2";
  status.storeHosts = {{"db1:3306", false, "It is read-only."}, {"db2:3306", true, ""}};
  CHECK(has(describeStatus(status, {}, now),
            "store          MariaDB, database p2\n"
            "               db1:3306, let alone: It is read-only.\n"
            "               db2:3306, in use\n"));
  CHECK_FALSE(has(describeStatus(status, {}, now), "FAILS"));
  status.storeFault = "Neither serves.";
  status.storeFailsSince = control::DaemonStatus::Time(4480s);
  CHECK(has(describeStatus(status, {}, now), "               FAILS for 2 min: Neither serves.\n"));
  CHECK(has(describeStatus(status, {}, now), "1,234 in 2 KiB"));
  status.registrations = 0;
  CHECK(has(describeStatus(status, {}, now), "registrations  not known while the store fails\n"));
}

TEST_CASE("However odd it is what a daemon has to tell, a person is told") {
  std::minstd_rand random(11);
  for (int round = 0; round < 300; ++round) {
    const auto status = test::randomStatus(random);
    const auto text = describeStatus(status, std::nullopt, status.started);
    CHECK(has(text, status.server));
    CHECK(has(text, status.storeFault));
    CHECK(has(text, status.clockFault));
    CHECK(has(text, status.secondFault));
  }
}

TEST_CASE("Of many domains the twenty with the most registrations are shown") {
  std::map<std::string, std::uint64_t, std::less<>> domains;
  for (std::uint64_t i = 1; i <= 25; ++i) domains["d" + std::to_string(i) + ".example"] = i;
  const auto text = describeStatus(example(), mostOf(domains), control::DaemonStatus::Time(4600s));
  CHECK(has(text, "25  d25.example"));
  CHECK_FALSE(has(text, "5  d5.example"));
  CHECK(has(text, "and 5 more domains"));
}

TEST_CASE("Registrations that are stored without a domain are counted apart") {
  const auto domains = mostOf({{"", 3}, {"a.example", 1}});
  const auto text = describeStatus(example(), domains, control::DaemonStatus::Time(4600s));
  CHECK(has(text, "1  a.example"));
  CHECK(has(text, "3  stored without their domain"));
}

TEST_CASE("Progress is drawn as a bar, or as a count if nobody knows the total") {
  CHECK(renderProgress("reading", 1234567, std::nullopt) == "reading  1,234,567");
  CHECK(renderProgress("x", 1, 2) == "x  [###############---------------]  50 %");
  CHECK(renderProgress("x", 3, 2) == "x  [##############################]  100 %");
}

TEST_CASE("Who watches sees a bar when the work takes long, and an empty line at its end") {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Console console{in, out, err};
  console.errIsTerminal = true;
  {
    ProgressBar bar(console, "importing", 100000);
    std::uint64_t done = 0;
    for (; done < 1000; ++done) bar.show(done);
    CHECK(err.str().empty());  // it may be over at once
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (err.str().empty() && std::chrono::steady_clock::now() < deadline) bar.show(++done);
    CHECK(has(err.str(), "\rimporting  ["));
    CHECK(has(err.str(), " %"));
  }
  const auto text = err.str();
  CHECK(text.back() == '\r');
  const auto wiped = text.substr(text.rfind('\r', text.size() - 2) + 1);
  CHECK(wiped.find_first_not_of(" \r") == std::string::npos);
}

TEST_CASE("Nobody who does not watch sees a progress bar") {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const Console console{in, out, err};
  {
    ProgressBar bar(console, "x", 10);
    for (std::uint64_t i = 0; i < 10; ++i) bar.show(i);
  }
  CHECK(err.str().empty());
}
