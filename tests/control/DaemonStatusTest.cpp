#include "p2/control/DaemonStatus.h"
#include "p2/control/StatusJson.h"
#include "support/Catch.h"
#include "support/RandomStatus.h"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <chrono>
#include <random>
#include <string>

using namespace p2::control;
using namespace std::chrono_literals;

namespace {

DaemonStatus example() {
  DaemonStatus status;
  status.version = "1.2";
  status.pid = 77;
  status.started = DaemonStatus::Time(1000s);
  status.server = "127.0.0.1:5347";
  status.jid = "push.example.org";
  status.streams = status.openStreams = 1;
  status.connected = true;
  status.since = DaemonStatus::Time(1001s);
  status.tokenValid = true;
  status.tokenExpires = DaemonStatus::Time(4600s);
  status.queued = 3;
  status.workers = 2;
  status.registrations = 1234;
  status.storeBytes = 2048;
  status.faults = {{DaemonStatus::Time(0s), "a \"fault\""}};
  status.metrics =
      "# TYPE p2_pushes_total counter\np2_pushes_total{outcome=\"delivered\"} 1500\n"
      "p2_pushes_total{outcome=\"retry\"} 0\n"
      "p2_push_seconds_bucket{le=\"0.5\"} 4\np2_push_seconds_bucket{le=\"+Inf\"} 4\n";
  return status;
}

Poco::JSON::Object::Ptr parsed(const std::string& json) {
  return Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
}

}  // namespace

TEST_CASE("A daemon's status goes through JSON unchanged") {
  const auto read = parseDaemonStatus(toJson(example()));
  REQUIRE(read.ok());
  CHECK(toJson(read.value()) == toJson(example()));
  CHECK(read.value().faults.at(0).text == "a \"fault\"");
  CHECK(read.value().tokenExpires == example().tokenExpires);
  CHECK(read.value().metrics == example().metrics);
}

TEST_CASE("The status of another version is read as far as it goes") {
  const auto read = parseDaemonStatus("{\"connected\":true,\"colour\":\"red\"}");
  REQUIRE(read.ok());
  CHECK(read.value().connected);
  CHECK_FALSE(parseDaemonStatus("[]").ok());
  CHECK_FALSE(parseDaemonStatus("no JSON").ok());
}

TEST_CASE("Whatever a daemon has to tell goes through JSON unchanged") {
  std::minstd_rand random(7);
  for (int round = 0; round < 300; ++round) {
    const auto status = p2::test::randomStatus(random);
    const auto json = toJson(status);
    CHECK(json.find('\n') == std::string::npos);
    const auto read = parseDaemonStatus(json);
    REQUIRE(read.ok());
    CHECK(toJson(read.value()) == json);
    CHECK(read.value().streamFault == status.streamFault);
    CHECK(read.value().storeBytes == status.storeBytes);
    CHECK(read.value().tokenExpires == status.tokenExpires);
    CHECK(read.value().faults.size() == status.faults.size());
    CHECK(read.value().services.size() == status.services.size());
    // Programs are told the same, however odd it is.
    const auto told = parsed(statusJson(read.value(), status.since));
    CHECK(told->getValue<std::string>("streamFault") == status.streamFault);
    CHECK(told->getArray("services")->size() == status.services.size());
  }
}

TEST_CASE("Times that no clock shows are read as the nearest that can be written") {
  for (const char* odd : {"-9223372036854775808", "9223372036854775807", "-1"}) {
    CAPTURE(odd);
    const auto read = parseDaemonStatus(std::string("{\"started\":") + odd + ",\"since\":" + odd + "}");
    REQUIRE(read.ok());
    const auto told = parsed(statusJson(read.value(), DaemonStatus::Time(4600s)));
    CHECK(told->getValue<std::string>("started").size() == std::string("1970-01-01T00:00:00Z").size());
  }
}

TEST_CASE("Programs read the same names as between daemon and commands, and times as people write them") {
  const auto status = example();
  const auto told = parsed(statusJson(status, DaemonStatus::Time(4600s)));
  for (const auto& name : parsed(toJson(status))->getNames()) {
    CAPTURE(name);
    CHECK((name == "metrics" || told->has(name)));
  }
  CHECK(told->getValue<std::string>("started") == "1970-01-01T00:16:40Z");
  CHECK(told->getValue<std::string>("since") == "1970-01-01T00:16:41Z");
  CHECK(told->getValue<std::string>("accessTokenExpires") == "1970-01-01T01:16:40Z");
  CHECK(told->getValue<int>("runningSeconds") == 3600);
  CHECK(told->getArray("faults")->getObject(0)->getValue<std::string>("time") == "1970-01-01T00:00:00Z");
  CHECK_FALSE(told->has("metrics"));
  CHECK_FALSE(told->has("domains"));
}

TEST_CASE("Programs read what became of pushes and how long they took") {
  const auto told = parsed(statusJson(example(), DaemonStatus::Time(4600s)));
  CHECK(told->getObject("pushes")->getValue<int>("delivered") == 1500);
  CHECK(told->getObject("pushes")->getValue<int>("retry") == 0);
  CHECK(told->getObject("pushSeconds")->getValue<double>("p50") == Approx(0.25));
  CHECK(told->getObject("fcmSeconds")->size() == 0);
}

TEST_CASE("Programs read how each push service fares") {
  auto status = example();
  status.services = {{"fcm", "FCM", true, 3, 2}};
  const auto told = parsed(statusJson(status, DaemonStatus::Time(4600s)))->getArray("services");
  REQUIRE(told->size() == 1);
  CHECK(told->getObject(0)->getValue<std::string>("key") == "fcm");
  CHECK(told->getObject(0)->getValue<std::string>("title") == "FCM");
  CHECK(told->getObject(0)->getValue<bool>("targetsSeemGone"));
  CHECK(told->getObject(0)->getValue<int>("queued") == 3);
  CHECK(told->getObject(0)->getValue<int>("workers") == 2);
}

TEST_CASE("Programs read how many registrations domains have, if somebody has counted them") {
  const DomainCounts domains{{{"b.example", 7}, {"a.example", 1}}, 2, 3};
  const auto told = parsed(statusJson(example(), DaemonStatus::Time(4600s), domains));
  CHECK(told->getObject("domains")->getValue<int>("b.example") == 7);
  CHECK(told->getValue<int>("otherDomains") == 2);
  CHECK(told->getValue<int>("withoutDomain") == 3);
}
