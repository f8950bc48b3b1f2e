#include "Samples.h"
#include "p2/transfer/RegistrationJson.h"
#include "support/Catch.h"

#include <chrono>
#include <string>

using namespace p2;
using namespace p2::transfer;
using p2::test::kDevice;
using Time = store::Registration::Time;

namespace {

const std::string kLine =
    "{\"service\":\"FCM\",\"device\":\"ec164939a8485ee6b7f7871071a11c7bb18aead5\",\"channel\":\"\","
    "\"domain\":\"jabber.de\",\"kind\":\"token\",\"token\":\"ee\\\"DX\",\"node\":\"eKxTS5n3bOe0\","
    "\"secret\":\"KK4+H5WMfpRG/2zCbuKq6wpX\",\"created\":\"2024-01-01T00:00:00Z\","
    "\"lastRegistered\":\"2024-02-29T23:59:58Z\"}";

store::Registration example() {
  store::Registration registration;
  registration.node = "eKxTS5n3bOe0";
  registration.secret = core::Secret("KK4+H5WMfpRG/2zCbuKq6wpX");
  registration.key = {store::Service::fcm, kDevice, ""};
  registration.domain = "jabber.de";
  registration.target.value = core::Secret("ee\"DX");
  registration.created = Time(std::chrono::seconds(1704067200));
  registration.lastRegistered = Time(std::chrono::seconds(1709251198));
  return registration;
}

std::string faultOf(const std::string& line) {
  const auto read = fromJsonLine(line);
  return read.ok() ? "" : read.error();
}

}  // namespace

TEST_CASE("A registration is written as one line of JSON, and read back as it was") {
  CHECK(toJsonLine(example()) == kLine);
  const auto read = fromJsonLine(kLine);
  REQUIRE(read.ok());
  CHECK(read.value() == example());

  auto other = example();
  other.key = {store::Service::apns, kDevice, kDevice};
  other.target.kind = core::Target::Kind::installationId;
  other.domain =
      "b\xC3\xBC"
      "cher.example";
  const auto again = fromJsonLine(toJsonLine(other));
  REQUIRE(again.ok());
  CHECK(again.value() == other);
}

TEST_CASE("A registration without a domain comes back without one, and one whose domain is lost does not") {
  auto without = example();
  without.domain.clear();
  const auto read = fromJsonLine(toJsonLine(without));
  REQUIRE(read.ok());
  CHECK(read.value() == without);
  CHECK(faultOf("{\"service\":\"FCM\",\"device\":\"" + kDevice +
                "\",\"token\":\"t\",\"node\":\"n\",\"secret\":\"s\"}") == "it has no domain");
}

TEST_CASE("Times that are not there are unset") {
  const auto read = fromJsonLine("{\"service\":\"FCM\",\"device\":\"" + kDevice +
                                 "\",\"domain\":\"d\",\"token\":\"t\",\"node\":\"n\",\"secret\":\"s\"}");
  REQUIRE(read.ok());
  CHECK(read.value().created == Time{});
}

TEST_CASE("A line that is no registration says why") {
  CHECK(faultOf("{") == "it is not valid JSON");
  CHECK(faultOf("[]") == "it is not a JSON object");
  CHECK(faultOf("{}") == "it has no service");
  CHECK(faultOf("{\"service\":1,\"domain\":\"d\"}") == "it has a member that is not a text");
  CHECK(faultOf("{\"service\":\"X\",\"domain\":\"d\"}") == "its service is neither FCM nor APNS");
  CHECK(faultOf("{\"service\":\"FCM\",\"domain\":\"d\",\"kind\":\"x\"}") == "its kind is not known");
  CHECK(faultOf("{\"service\":\"FCM\",\"domain\":\"d\",\"created\":\"today\"}") ==
        "its time created does not look like 2024-01-31T00:00:00Z");
  CHECK(faultOf("{\"service\":\"FCM\",\"domain\":\"d\",\"colour\":\"red\"}") ==
        "it has a member that this p2 does not know: it may come from a newer one");
  CHECK(faultOf("{\"service\":\"FCM\",\"domain\":\"d\"}") ==
        "its device is not a SHA-1 in hexadecimal (40 characters)");
}
