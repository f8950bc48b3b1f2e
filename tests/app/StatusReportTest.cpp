#include "commands/ProgressBar.h"
#include "commands/status/MetricsText.h"
#include "commands/status/StatusReport.h"
#include "p2/control/DaemonStatus.h"
#include "p2/core/Metrics.h"
#include "support/Catch.h"
#include "support/Has.h"

#include <chrono>
#include <cstdint>
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
  status.pid = 77;
  status.started = control::DaemonStatus::Time(1000s);
  status.server = "127.0.0.1:5347";
  status.jid = "push.example.org";
  status.streams = status.openStreams = 1;
  status.connected = true;
  status.since = control::DaemonStatus::Time(1001s);
  status.tokenValid = true;
  status.tokenExpires = control::DaemonStatus::Time(4600s);
  status.queued = 3;
  status.workers = 2;
  status.registrations = 1234;
  status.storeBytes = 2048;
  status.faults = {{control::DaemonStatus::Time(0s), "a \"fault\""}};
  status.metrics =
      "# TYPE p2_pushes_total counter\np2_pushes_total{outcome=\"delivered\"} 1500\n"
      "p2_pushes_total{outcome=\"retry\"} 0\n";
  return status;
}

}  // namespace

TEST_CASE("A daemon's status goes through JSON unchanged") {
  const auto read = control::parseDaemonStatus(toJson(example()));
  REQUIRE(read.ok());
  CHECK(toJson(read.value()) == toJson(example()));
  CHECK(read.value().faults.at(0).text == "a \"fault\"");
  CHECK(read.value().tokenExpires == example().tokenExpires);
  CHECK(read.value().metrics == example().metrics);
}

TEST_CASE("The status of another version is read as far as it goes") {
  const auto read = control::parseDaemonStatus("{\"connected\":true,\"colour\":\"red\"}");
  REQUIRE(read.ok());
  CHECK(read.value().connected);
  CHECK_FALSE(control::parseDaemonStatus("[]").ok());
  CHECK_FALSE(control::parseDaemonStatus("no JSON").ok());
}

TEST_CASE("A person reads how the daemon is") {
  const auto text = describeStatus(example(), DomainCounts{{"a.example", 4}, {"b.example", 1230}},
                                   control::DaemonStatus::Time(4600s));
  CHECK(has(text, "p2             1.2, pid 77, running for 1 h\n"));
  CHECK(has(text, "connected to 127.0.0.1:5347 as push.example.org for 59 min 59 s\n"));
  CHECK(has(text, "1,500 delivered\n"));
  CHECK_FALSE(has(text, "retry"));
  CHECK(has(text, "3 waiting, 2 workers"));
  CHECK(has(text, "1,234 in 2 KiB"));
  CHECK(text.find("1,230  b.example") < text.find("4  a.example"));
  CHECK(has(text, "1970-01-01T00:00:00Z  a \"fault\""));
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

TEST_CASE("Of many domains the twenty with the most registrations are shown") {
  DomainCounts domains;
  for (std::uint64_t i = 1; i <= 25; ++i) domains["d" + std::to_string(i) + ".example"] = i;
  const auto text = describeStatus(example(), domains, control::DaemonStatus::Time(4600s));
  CHECK(has(text, "25  d25.example"));
  CHECK_FALSE(has(text, "5  d5.example"));
  CHECK(has(text, "and 5 more domains"));
}

TEST_CASE("Registrations that are stored without a domain are counted apart") {
  const DomainCounts domains{{"", 3}, {"a.example", 1}};
  const auto text = describeStatus(example(), domains, control::DaemonStatus::Time(4600s));
  CHECK(has(text, "1  a.example"));
  CHECK(has(text, "3  stored without their domain"));
  const auto json = statusJson(example(), domains, control::DaemonStatus::Time(4600s));
  CHECK(has(json, "\"domains\":{\"a.example\":1}"));
  CHECK(has(json, "\"withoutDomain\":3"));
}

TEST_CASE("Counters and quantiles are read from what the metrics render") {
  core::Metrics metrics;
  metrics.counter("a_total", "help", {{"kind", "x"}}).add(3);
  metrics.counter("a_total", "help", {{"kind", "y\"}"}}).add(4);
  auto& histogram = metrics.histogram("b_seconds", "help");
  for (int i = 0; i < 99; ++i) histogram.observe(0.012);
  histogram.observe(1000);
  const MetricsText text(metrics.render());
  CHECK(text.total("a_total") == 7);
  CHECK(text.by("a_total", "kind") == std::map<std::string, double>{{"x", 3}, {"y\"}", 4}});
  CHECK(text.total("c_total") == 0);
  const auto median = text.quantile("b_seconds", 0.5);
  REQUIRE(median);
  CHECK(median->count() > 0.005);
  CHECK(median->count() <= 0.025);
  CHECK(text.quantile("b_seconds", 1.0)->count() == Approx(30));
  CHECK_FALSE(text.quantile("a_total", 0.5));
}

TEST_CASE("Whatever labels hold, what is counted is what is read") {
  std::minstd_rand random(7);
  const std::string characters = "ab\\\"{}=,\n #\xC3\xA9";
  for (int round = 0; round < 200; ++round) {
    core::Metrics metrics;
    std::map<std::string, double> plain;
    for (int n = 0; n < 20; ++n) {
      std::string value;
      for (auto length = random() % 8; length > 0; --length)
        value += characters[random() % characters.size()];
      const auto count = random() % 1000;
      metrics.counter("a_total", "help\n{", {{"x", "}"}, {"kind", value}}).add(count);
      plain[value] += static_cast<double>(count);
    }
    const MetricsText text(metrics.render());
    CHECK(text.by("a_total", "kind") == plain);
    double total = 0;
    for (const auto& [value, count] : plain) total += count;
    CHECK(text.total("a_total") == total);
  }
}

TEST_CASE("Whatever a daemon has to tell goes through JSON unchanged") {
  std::minstd_rand random(7);
  const auto text = [&random] {
    const std::vector<std::string> pieces{"a", "\"", "\\", "\n", "\x01", "\xC3\xA9", "\xF0\x9F\x93\xB1",
                                          "/", " "};
    std::string made;
    for (auto length = random() % 12; length > 0; --length) made += pieces[random() % pieces.size()];
    return made;
  };
  const auto number = [&random] { return (static_cast<std::uint64_t>(random()) << 20U) + random(); };
  const auto time = [&random] { return control::DaemonStatus::Time(std::chrono::seconds(random())); };
  for (int round = 0; round < 300; ++round) {
    control::DaemonStatus status;
    status.version = text();
    status.pid = static_cast<std::int64_t>(random());
    status.started = time();
    status.settingsRead = time();
    status.server = text();
    status.jid = text();
    status.streams = number();
    status.openStreams = number();
    status.connected = random() % 2 == 0;
    status.since = time();
    status.streamFault = text();
    status.unsentAnswers = number();
    status.legacy = random() % 2 == 0;
    status.tokenValid = random() % 2 == 0;
    if (random() % 2 == 0) status.tokenExpires = time();
    status.tokenFault = text();
    status.targetsSeemGone = random() % 2 == 0;
    status.queued = number();
    status.workers = number();
    status.registrations = number();
    status.storeBytes = number();
    status.storeFault = text();
    for (auto count = random() % 3; count > 0; --count) status.faults.push_back({time(), text()});
    status.metrics = text();
    const auto json = control::toJson(status);
    CHECK(json.find('\n') == std::string::npos);
    const auto read = control::parseDaemonStatus(json);
    REQUIRE(read.ok());
    CHECK(control::toJson(read.value()) == json);
    CHECK(read.value().streamFault == status.streamFault);
    CHECK(read.value().storeBytes == status.storeBytes);
    CHECK(read.value().tokenExpires == status.tokenExpires);
    CHECK(read.value().faults.size() == status.faults.size());
    // However odd it is, a person can be told.
    CHECK_FALSE(describeStatus(read.value(), std::nullopt, time()).empty());
  }
}

TEST_CASE("Metrics that cannot be read are skipped") {
  const MetricsText text("a\n\n# HELP b 1\nb{ 2\nc x\nd 5");
  CHECK(text.total("a") == 0);
  CHECK(text.total("c") == 0);
  CHECK(text.total("d") == 5);
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
