#include "Installation.h"
#include "component/ScriptedServer.h"
#include "p2/control/Requests.h"
#include "p2/control/Socket.h"
#include "support/Catch.h"
#include "support/Has.h"
#include "support/LoopbackServer.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sysexits.h>
#include <utility>
#include <vector>

using namespace p2;
using namespace std::chrono_literals;
using test::gives;
using test::has;
using test::registrationOf;
using test::says;
using test::ScriptedServer;

namespace {

// The name's SRV record is asked of this machine's resolver, which would try for half a minute where nobody
// answers.
[[maybe_unused]] const int quickResolver = ::setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);

/// Takes the component and its secret.
void takeComponent(test::Peer& peer, int /*connection*/) {
  peer.open();
  peer.awaitEnd();
}

ScriptedServer::Script streamError(const std::string& condition) {
  return [condition](test::Peer& peer, int) {
    peer.openStream();
    peer.fail(condition);
    peer.awaitEnd();
  };
}

struct Said {
  std::string state;
  std::string text;
};

/// What `p2 check` finds, as programs read it.
struct Findings {
  int code = -1;
  bool ok = false;
  std::multimap<std::string, Said> checks;

  /// Whether one of the findings of that name is so.
  bool has(const std::string& check, const std::string& state, const std::string& words) const {
    const auto [begin, end] = checks.equal_range(check);
    return std::any_of(begin, end, [&](const auto& found) {
      return found.second.state == state && found.second.text.find(words) != std::string::npos;
    });
  }
  std::string faults() const {
    std::string names;
    for (const auto& [check, said] : checks) {
      if (said.state == "fault") names += (names.empty() ? "" : ", ") + check;
    }
    return names;
  }
};

/// An installation beside an XMPP server that takes it.
class Checked : public test::Installation {
 public:
  explicit Checked(ScriptedServer::Script script = takeComponent) : server(std::move(script)) {
    values["xmpp.port"] = std::to_string(server.port());
  }

  Findings check() const {
    const auto done = run({"check", "--json"});
    INFO(done.out << done.err);
    Poco::JSON::Parser parser;
    const auto object = parser.parse(done.out).extract<Poco::JSON::Object::Ptr>();
    Findings findings;
    findings.code = done.code;
    findings.ok = object->getValue<bool>("ok");
    const auto list = object->getArray("checks");
    for (std::size_t n = 0; n < list->size(); ++n) {
      const auto entry = list->getObject(static_cast<unsigned>(n));
      findings.checks.emplace(
          entry->getValue<std::string>("check"),
          Said{entry->getValue<std::string>("state"), entry->getValue<std::string>("text")});
    }
    return findings;
  }

  ScriptedServer server;
};

/// Google's clock, so far from ours.
test::Google::Answer answersAt(std::chrono::seconds away) {
  return [away](test::TlsServer::Peer& peer, const std::string&) {
    const auto time = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + away);
    std::string date(64, '\0');
    std::tm parts{};
    date.resize(std::strftime(date.data(), date.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
                              ::gmtime_r(&time, &parts)));
    peer.answer("200 OK", R"({"name":"projects/my-project/messages/1"})", date);
  };
}

}  // namespace

TEST_CASE("p2 check finds each part well, and tells it to people and to programs") {
  Checked p2;
  p2.add({registrationOf("nodeA1")});
  const auto found = p2.check();
  CHECK(found.code == EX_OK);
  CHECK(found.ok);
  CHECK(found.faults().empty());
  CHECK(found.has("settings", "ok", p2.config.string()));
  CHECK(found.has("store", "ok", "1 registrations"));
  CHECK(found.has("disk space", "ok", ""));
  CHECK(found.has("XMPP server", "ok", "takes localhost and the shared secret"));
  CHECK(found.has("way to FCM", "ok", "answers"));
  CHECK(found.has("access token", "ok", ""));
  CHECK(found.has("FCM", "ok", "takes our messages"));
  CHECK(found.has("FCM project", "ok", "FCM knows the phones"));
  for (const auto& request : p2.google.requests()) {
    // The first one only asks whether anybody is there.
    if (has(request, "\"message\"")) CHECK(has(request, "\"validate_only\":true"));
  }
  const auto read = p2.run({"check"});
  CHECK(read.code == EX_OK);
  for (const auto& [check, said] : found.checks) CHECK(has(read.out, check));
  for (const auto& secret : {"s3cret", "token-nodeA1", "secret-nodeA1", "PRIVATE KEY"}) {
    CHECK_FALSE(has(read.out + read.err, secret));
  }
}

TEST_CASE("p2 check names each thing that is wrong, what to do, and ends with its exit code") {
  struct Row {
    const char* what;
    std::function<void(Checked&)> harm;
    const char* check;
    const char* words;
    int code;
    ScriptedServer::Script server = takeComponent;
  };
  const auto fcm = [](test::Google::Answer answer) {
    return [answer = std::move(answer)](Checked& p2) { p2.google.setFcm(answer); };
  };
  const auto tokens = [](test::Google::Answer answer) {
    return [answer = std::move(answer)](Checked& p2) { p2.google.setTokens(answer); };
  };
  const auto nothing = [](Checked&) {};
  const test::RefusingPort nobody;
  const std::vector<Row> rows{
      {"a setting", [](Checked& p2) { p2.values["push.deadline"] = "soon"; }, "settings", "push.deadline",
       EX_CONFIG},
      {"the store is a file", [](Checked& p2) { std::ofstream(p2.store) << "x"; }, "store",
       "is not a directory", EX_CANTCREAT},
      {"the store is damaged",
       [](Checked& p2) {
         std::filesystem::create_directory(p2.store);
         std::ofstream(p2.store / "data.mdb") << std::string(8192, 'x');
       },
       "store", "data.mdb", EX_CANTCREAT},
      {"the secret", nothing, "XMPP server", "not-authorized", EX_NOPERM, streamError("not-authorized")},
      {"the name", nothing, "XMPP server", "host-unknown", EX_UNAVAILABLE, streamError("host-unknown")},
      {"no XMPP server", [&](Checked& p2) { p2.values["xmpp.port"] = std::to_string(nobody.port()); },
       "XMPP server", "127.0.0.1", EX_UNAVAILABLE},
      {"no way to Google",
       [&](Checked& p2) { p2.values["fcm.endpoint"] = "https://localhost:" + std::to_string(nobody.port()); },
       "way to FCM", "localhost", EX_UNAVAILABLE},
      {"a certificate that is not Google's", [](Checked& p2) { p2.values.erase("fcm.caFile"); }, "way to FCM",
       "not trusted", EX_UNAVAILABLE},
      {"no such file of authorities", [](Checked& p2) { p2.values["fcm.caFile"] = "/nonexistent"; },
       "settings", "fcm.caFile", EX_CONFIG},
      {"the clock ahead", fcm(answersAt(-1h)), "clock", "ahead", EX_CONFIG},
      {"the clock behind", fcm(answersAt(24h)), "clock", "behind", EX_CONFIG},
      {"the key was deleted",
       tokens(
           says("400 Bad Request", R"({"error":"invalid_grant","error_description":"account not found"})")),
       "access token", "", EX_CONFIG},
      {"no token now", tokens(says("503 Service Unavailable", "")), "access token", "503", EX_TEMPFAIL},
      {"FCM is down", fcm(gives("503")), "FCM", "try again", EX_TEMPFAIL},
      {"FCM is another's", fcm(gives("no_recipient")), "FCM", "fcm.endpoint", EX_PROTOCOL},
      {"FCM is switched off", fcm(gives("service_disabled")), "FCM", "", EX_CONFIG},
      {"another project's key",
       [](Checked& p2) {
         p2.add({registrationOf("nodeA1"), registrationOf("nodeA2")});
         p2.google.setFcm(gives("sender_mismatch"));
       },
       "FCM project", "another Firebase project", EX_CONFIG}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    Checked p2(row.server);
    row.harm(p2);
    const auto found = p2.check();
    CHECK(found.code == row.code);
    CHECK_FALSE(found.ok);
    CHECK(found.has(row.check, "fault", row.words));
    CHECK(found.faults() == row.check);
  }
}

TEST_CASE("A key file that is none is a fault of the settings already") {
  Checked p2;
  std::ofstream(p2.account) << "{}";
  const auto found = p2.check();
  CHECK(found.code == EX_CONFIG);
  CHECK(found.faults() == "service account");
  std::filesystem::remove(p2.account);
  CHECK(p2.check().faults() == "settings");
}

TEST_CASE("What passes, or cannot be known, is no fault") {
  SECTION("another p2 has the component's connection") {
    const Checked p2(streamError("conflict"));
    const auto found = p2.check();
    CHECK(found.code == EX_OK);
    CHECK(found.has("XMPP server", "warning", "the secret is right"));
  }
  SECTION("FCM knows none of the phones") {
    Checked p2;
    p2.add({registrationOf("nodeA1")});
    p2.google.setFcm(gives("unregistered"));
    const auto found = p2.check();
    CHECK(found.code == EX_OK);
    CHECK(found.has("FCM project", "ok", "not known"));
  }
  SECTION("a clock that is off a little") {
    Checked p2;
    p2.google.setFcm(answersAt(60s));
    CHECK(p2.check().has("clock", "warning", "NTP"));
  }
}

TEST_CASE("With the legacy interface nobody is asked for a token, and no phone is tried") {
  Checked p2;
  p2.values.erase("fcm.serviceAccountFile");
  p2.values["fcm.authKey"] = "AAAAkey";
  p2.add({registrationOf("nodeA1")});
  p2.google.setFcm(gives("invalid_registration"));
  const auto found = p2.check();
  CHECK(found.code == EX_OK);
  CHECK(found.checks.count("access token") == 0);
  CHECK(found.checks.count("FCM project") == 0);
  for (const auto& request : p2.google.requests()) CHECK_FALSE(has(request, "token-nodeA1"));
}

TEST_CASE("A running daemon is asked and not disturbed") {
  Checked p2;
  p2.add({registrationOf("nodeA1")});
  control::DaemonStatus status;
  status.pid = 77;
  status.server = "127.0.0.1:5347";
  status.connected = true;
  std::string answer = control::toJson(status);
  const auto answering = [&] {
    return control::Socket::open(p2.store, [&](const std::string&) { return answer; });
  };
  SECTION("it is connected") {
    const auto socket = answering();
    const auto found = p2.check();
    CHECK(found.code == EX_OK);
    CHECK(found.has("XMPP server", "ok", "(pid 77) is connected to 127.0.0.1:5347"));
  }
  SECTION("it is not connected") {
    status.connected = false;
    status.streamFault = "The server refuses the secret";
    answer = control::toJson(status);
    const auto socket = answering();
    const auto found = p2.check();
    CHECK(found.code == EX_UNAVAILABLE);
    CHECK(found.has("XMPP server", "fault", "The server refuses the secret."));
  }
  SECTION("it goes by older settings") {
    status.settingsRead = control::DaemonStatus::Time(1s);
    answer = control::toJson(status);
    const auto socket = answering();
    CHECK(p2.check().has("settings", "warning", "systemctl reload p2"));
  }
  SECTION("it answers nonsense") {
    answer = "[]";
    const auto socket = answering();
    CHECK(p2.check().has("XMPP server", "warning", "cannot be asked"));
  }
  SECTION("it has no socket") {
    const auto daemon = p2.open();
    CHECK(p2.check().has("XMPP server", "warning", "it has no control socket"));
  }
  CHECK(p2.server.connections() == 0);
}
