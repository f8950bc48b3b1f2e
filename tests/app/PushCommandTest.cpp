#include "Installation.h"
#include "support/Catch.h"
#include "support/Has.h"

#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using test::gives;
using test::has;
using test::Installation;
using test::registrationOf;
using test::says;

TEST_CASE("p2 push says for each answer of FCM what it is and what to do, with an exit code of its own") {
  struct Row {
    const char* fcm;  ///< What it answers, by its name in the table of FCM's answers.
    int code;
    const char* said;
  };
  const std::vector<Row> rows{{"delivered", EX_OK, "FCM took the push."},
                              {"unregistered", EX_NOUSER, "this phone is gone"},
                              {"sender_mismatch", EX_NOUSER, "fcm.goneAfter"},
                              {"503", EX_TEMPFAIL, "try again"},
                              {"quota", EX_TEMPFAIL, "try again"},
                              {"invalid_argument", EX_SOFTWARE, "please report it"},
                              {"service_disabled", EX_CONFIG, "p2 check looks closer"}};
  Installation p2;
  p2.add({registrationOf("nodeA1")});
  for (const auto& row : rows) {
    CAPTURE(row.fcm);
    p2.google.setFcm(gives(row.fcm));
    const auto done = p2.run({"push", "nodeA1"});
    CHECK(done.code == row.code);
    CHECK(has(done.out + done.err, row.said));
    CHECK((row.code == EX_OK ? done.err : done.out).empty());
    CHECK_FALSE(has(done.out + done.err, "token-nodeA1"));
    CHECK_FALSE(has(done.out + done.err, "secret-nodeA1"));
  }
  CHECK(p2.open()->find("nodeA1").value());  // whatever FCM said
}

TEST_CASE("p2 push sends to the phone whose node begins so, and with --validate-only FCM delivers nothing") {
  Installation p2;
  p2.add({registrationOf("nodeA1"), registrationOf("nodeB1")});
  CHECK(p2.run({"push", "nodeB"}).code == EX_OK);
  CHECK(p2.run({"push", "nodeA1", "--validate-only"}).code == EX_OK);
  const auto requests = p2.google.requests();
  REQUIRE(requests.size() == 2);
  CHECK(has(requests[0], "token-nodeB1"));
  CHECK_FALSE(has(requests[0], "validate_only"));
  CHECK(has(requests[1], "token-nodeA1"));
  CHECK(has(requests[1], "\"validate_only\":true"));
}

TEST_CASE("p2 push names what keeps it from sending, and sends nothing") {
  Installation p2;
  const auto refused = [&](const std::string& node, int code, const std::string& said) {
    const auto done = p2.run({"push", node});
    INFO(done.err);
    CHECK(done.code == code);
    CHECK(has(done.err, said));
  };
  refused("nodeA1", EX_NOINPUT, p2.store.string());  // there is no store
  p2.add({registrationOf("nodeA1"), registrationOf("nodeA2"),
          registrationOf("apple1", "a.example", store::Service::apns)});
  refused("nodeA", EX_NOUSER, "several");
  refused("nod", EX_NOUSER, "no registration has that node");
  refused("nodeC", EX_NOUSER, "no registration has that node");
  refused("apple1", EX_UNAVAILABLE, "is for APNS");
  p2.values["fcm.caFile"] = "/nonexistent";
  refused("nodeA1", EX_CONFIG, "fcm.caFile");
  p2.values["fcm.serviceAccountFile"] = "/nonexistent";
  refused("nodeA1", EX_CONFIG, "fcm.serviceAccountFile");
  CHECK(p2.google.requests().empty());
}

TEST_CASE("p2 push says so when Google gives no access token") {
  Installation p2;
  p2.add({registrationOf("nodeA1")});
  p2.google.setTokens(
      says("400 Bad Request",
           R"({"error":"invalid_grant","error_description":"Invalid grant: account not found"})"));
  const auto refused = p2.run({"push", "nodeA1"});
  CHECK(refused.code == EX_CONFIG);
  CHECK(has(refused.err, "p2 check looks closer"));
  p2.google.setTokens(says("503 Service Unavailable", ""));
  CHECK(p2.run({"push", "nodeA1"}).code == EX_TEMPFAIL);
  CHECK(p2.google.requests().empty());
}
