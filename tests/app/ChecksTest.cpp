#include "commands/check/Checks.h"
#include "commands/check/FcmChecks.h"
#include "p2/lmdb/Store.h"
#include "support/Catch.h"
#include "support/LoopbackServer.h"
#include "support/TemporaryDirectory.h"

#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <sysexits.h>

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;
using State = Finding::State;
using Kind = push::Outcome::Kind;

namespace {

bool tells(const Finding& finding, State state, const std::string& words) {
  INFO(finding.text);
  return finding.state == state && finding.text.find(words) != std::string::npos;
}

push::Outcome outcome(Kind kind, std::string reason = {}, bool onlyIfOthersSucceed = false) {
  push::Outcome made;
  made.kind = kind;
  made.reason = std::move(reason);
  made.onlyIfOthersSucceed = onlyIfOthersSucceed;
  return made;
}

}  // namespace

TEST_CASE("The unit of the reference service is named, and another one is not") {
  using p2::app::judgeUnit;
  const std::string head = "[Unit]\nDescription=p2 with java\n[Service]\nUser=p2\n";
  const auto found = judgeUnit("/etc/x.service", head + "ExecStart=/usr/bin/java -jar /opt/p2/p2.jar\n");
  REQUIRE(found);
  CHECK(found->state == p2::app::Finding::State::warning);
  CHECK(found->text.find("/etc/x.service") == 0);
  CHECK(judgeUnit("/etc/x.service", head + "ExecStart=/opt/p2/start.jar"));
  CHECK_FALSE(judgeUnit("/etc/x.service", head + "ExecStart=/usr/bin/p2 --config=/etc/p2/own.properties\n"));
  CHECK_FALSE(judgeUnit("/etc/x.service", ""));
}

TEST_CASE("Every fault and warning of the settings is a finding") {
  settings::LoadedSettings loaded;
  loaded.file = "/etc/p2/p2.properties";
  loaded.warnings = {"w"};
  auto findings = checkSettings(loaded);
  REQUIRE(findings.size() == 2);
  CHECK(tells(findings[0], State::ok, "/etc/p2/p2.properties"));
  CHECK(tells(findings[1], State::warning, "w"));
  loaded.faults = {"f", "g"};
  findings = checkSettings(loaded);
  REQUIRE(findings.size() == 3);
  CHECK(tells(findings[0], State::fault, "f"));
  CHECK(findings[0].exitCode == EX_CONFIG);
}

TEST_CASE("A name that does not resolve is a fault, one with addresses or an SRV record is not") {
  CHECK(tells(judgeName("push.example", {{"192.0.2.1"}, false, "", true}), State::ok, "192.0.2.1"));
  CHECK(tells(judgeName("push.example", {{"192.0.2.1"}, true, "", false}), State::ok, "192.0.2.1"));
  CHECK(tells(judgeName("push.example", {{"192.0.2.1"}, false, "", false}), State::warning,
              "where nothing answers on port 5269"));
  CHECK(tells(judgeName("push.example", {{}, true, "", false}), State::ok, "SRV"));
  const auto unknown = judgeName("push.example", {{}, false, "", false});
  CHECK(tells(unknown, State::fault, "push.example (xmpp.jid) does not resolve"));
  CHECK(unknown.exitCode == EX_NOHOST);
  CHECK(tells(judgeName("push.example", {{}, false, "try again", false}), State::fault, "cannot be asked"));
}

TEST_CASE("An address is looked up by the system's resolver") {
  CHECK(lookUp("127.0.0.1").addresses == std::vector<std::string>{"127.0.0.1"});
}

TEST_CASE("A running daemon's word is taken for its connection") {
  control::DaemonStatus status;
  status.server = "127.0.0.1:5347";
  status.connected = true;
  CHECK(tells(judgeDaemon(status), State::ok, "is connected to 127.0.0.1:5347"));
  status.secondFault = "another p2 is connected";
  CHECK(tells(judgeDaemon(status), State::fault, "another p2 is connected"));
  status.secondFault.clear();
  status.connected = false;
  status.streamFault = "refused";
  CHECK(tells(judgeDaemon(status), State::fault, "not connected to 127.0.0.1:5347: refused."));
  status.standingBy = true;
  CHECK(tells(judgeDaemon(status), State::warning, "stands by at 127.0.0.1:5347"));
}

TEST_CASE("Settings that are newer than what the daemon goes by are named") {
  using Time = control::DaemonStatus::Time;
  control::DaemonStatus status;
  CHECK_FALSE(judgeChange("/p2.properties", Time(100s), status));  // it does not say when it read them
  status.settingsRead = Time(100s);
  CHECK_FALSE(judgeChange("/p2.properties", Time(100s), status));
  const auto found = judgeChange("/p2.properties", Time(101s), status);
  REQUIRE(found);
  CHECK(tells(*found, State::warning, "/p2.properties is newer than the settings that the running daemon"));
  CHECK(tells(*found, State::warning, "systemctl reload p2, or"));
  CHECK(tells(*judgeChange("/etc/p2/work.properties", Time(101s), status), State::warning,
              "reload p2@work, or"));
}

TEST_CASE("A conflict tells that the secret is right, and a refused secret is a fault") {
  CHECK(tells(judgeServerFault("another connection (conflict): x"), State::warning, "the secret is right"));
  CHECK(judgeServerFault("refuses the shared secret (not-authorized): x").exitCode == EX_NOPERM);
  CHECK(judgeServerFault("cannot reach it").exitCode == EX_UNAVAILABLE);
}

TEST_CASE("A server that nobody runs, and a port that is no component port, are named") {
  std::uint16_t port = 0;
  {
    const test::LoopbackServer server([](int, int) {});
    port = server.port();
  }
  settings::Settings::Xmpp xmpp;
  xmpp.host = "127.0.0.1";
  xmpp.port = port;
  xmpp.jid = "push.example";
  xmpp.sharedSecret = core::Secret("secret");
  xmpp.maxStanzaSize = 262144;
  CHECK(tells(checkServer(xmpp), State::fault, "127.0.0.1"));

  const test::LoopbackServer closing([](int socket, int) { ::shutdown(socket, SHUT_RDWR); });
  xmpp.port = closing.port();
  CHECK(checkServer(xmpp).state == State::fault);
}

TEST_CASE("A store that is not there yet is fine if it can be made") {
  const test::TemporaryDirectory directory;
  CHECK(tells(checkStore({directory.path() / "new"}, false).front(), State::ok, "will be created"));
  CHECK(tells(checkStore({directory.path()}, false).front(), State::ok, "no registrations yet"));
  CHECK(tells(checkStore({"/nonexistent/parent/store"}, false).front(), State::fault, "does not exist"));
  std::ofstream(directory.path() / "file") << "x";
  CHECK(tells(checkStore({directory.path() / "file"}, false).front(), State::fault,
              "not a directory, but a file"));
  CHECK(
      tells(checkStore({directory.path() / "file/store"}, false).front(), State::fault, "may not create it"));
}

TEST_CASE("A store is read whole, and a damaged one is named") {
  const test::TemporaryDirectory directory;
  lmdb::Store::Options options;
  options.path = directory.path() / "store";
  REQUIRE(lmdb::Store::open(options).ok());
  CHECK(tells(checkStore({options.path}, false).front(), State::ok, "0 registrations"));
  CHECK(tells(checkStore({options.path}, true).front(), State::ok, "in use by the running daemon"));
  std::ofstream(options.path / "data.mdb", std::ios::trunc) << "this is no database";
  CHECK(checkStore({options.path}, false).front().state == State::fault);
}

TEST_CASE("A store on a disk that cannot be read is named, before its map would end the program") {
  const test::TemporaryDirectory directory;
  // Its first page cannot be read.
  std::filesystem::create_symlink("/proc/self/mem", directory.path() / "data.mdb");
  const auto finding = checkStore({directory.path()}, false).front();
  CHECK(tells(finding, State::fault, "data.mdb cannot be read from byte 0 on: Input/output error. Its disk"));
  CHECK(finding.exitCode == EX_IOERR);
}

TEST_CASE("Of a database it is told which hosts serve, and nothing of this machine's disk") {
  const test::TemporaryDirectory directory;
  const test::RefusingPort nobody;
  const test::LoopbackServer closing([](int socket, int) { ::shutdown(socket, SHUT_RDWR); });
  settings::Settings::Store store{directory.path()};
  store.kind = settings::StoreKind::mariadb;
  store.mariadb.hosts = {{"127.0.0.1", nobody.port()}, {"127.0.0.1", closing.port()}};
  store.mariadb.timeout = 1s;
  auto findings = checkStore(store, false);
  REQUIRE(findings.size() == 3);
  CHECK(tells(findings[0], State::fault, "127.0.0.1:" + std::to_string(nobody.port())));
  CHECK(tells(findings[1], State::fault, "127.0.0.1:" + std::to_string(closing.port())));
  CHECK(findings[0].exitCode == EX_UNAVAILABLE);
  CHECK(tells(findings[2], State::ok, "for the socket over which commands ask"));
  store.path = directory.path() / "none";
  findings = checkStore(store, false);
  CHECK(tells(findings.back(), State::warning, "is no directory"));
}

TEST_CASE("Little space is a warning, none a fault") {
  CHECK(judgeSpace("/p", 1ULL << 30U).state == State::ok);
  CHECK(judgeSpace("/p", 32ULL << 20U).state == State::warning);
  CHECK(tells(judgeSpace("/p", 0), State::fault, "no phone can register"));
}

TEST_CASE("A clock that differs from Google's is named, by how much and in which direction") {
  const auto now = std::chrono::system_clock::now();
  CHECK(judgeClock(now, now + 10s).state == State::ok);
  CHECK(tells(judgeClock(now + 60s, now), State::warning, "1 min ahead"));
  CHECK(tells(judgeClock(now, now + 3600s), State::fault, "1 h behind"));
}

TEST_CASE("A made-up token that FCM refuses shows that it takes our messages") {
  CHECK(judgeMadeUpToken(outcome(Kind::targetGone)).state == State::ok);
  CHECK(judgeMadeUpToken(outcome(Kind::delivered)).state == State::ok);
  CHECK(
      tells(judgeMadeUpToken(outcome(Kind::misconfigured, "no permission")), State::fault, "no permission"));
  CHECK(judgeMadeUpToken(outcome(Kind::retry, "x")).exitCode == EX_TEMPFAIL);
  CHECK(judgeMadeUpToken(outcome(Kind::rejected, "x")).state == State::fault);
}

TEST_CASE("Another Firebase project is told by the phones that are registered") {
  const auto mismatch = outcome(Kind::targetGone, "", true);
  CHECK(tells(judgeStoredTokens({mismatch, mismatch}), State::fault, "another Firebase project"));
  CHECK(judgeStoredTokens({mismatch, outcome(Kind::delivered)}).state == State::ok);
  CHECK(judgeStoredTokens({mismatch, outcome(Kind::targetGone)}).state == State::ok);
}
