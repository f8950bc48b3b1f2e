#include "daemon/Runtime.h"
#include "fcm/TestAccount.h"
#include "p2/control/Requests.h"
#include "p2/lmdb/Store.h"
#include "p2/settings/Keys.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/LoopbackServer.h"
#include "support/TemporaryDirectory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <sysexits.h>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;

namespace {

using Started = std::variant<std::unique_ptr<Runtime>, StartFault>;

/// Settings with which p2 starts, beside an XMPP server that nobody runs.
class RuntimeFixture {
 public:
  RuntimeFixture() {
    settings.xmpp.host = "127.0.0.1";
    settings.xmpp.port = nobody.port();
    settings.xmpp.jid = "push.example.org";
    settings.xmpp.sharedSecret = core::Secret("secret");
    settings.store.path = directory.path() / "store";
    settings.fcm.authKey = core::Secret("key");
  }

  Started start() const {
    return Runtime::start(
        settings, Poco::AutoPtr<logging::RecentFaults>(new logging::RecentFaults),
        [](component::Component::State) {}, [](const std::string&) {});
  }

  std::unique_ptr<Runtime> started() const {
    auto result = start();
    if (const auto* fault = std::get_if<StartFault>(&result)) FAIL(fault->text);
    return std::move(std::get<std::unique_ptr<Runtime>>(result));
  }

  /// What the running daemon tells over its socket; nothing if there is none.
  std::optional<control::DaemonStatus> status() const {
    const auto answer = control::askDaemon(settings.store.path, control::statusRequest());
    REQUIRE(answer.ok());
    if (!answer.value()) return std::nullopt;
    auto status = control::parseStatusAnswer(*answer.value());
    REQUIRE(status.ok());
    return std::move(status).value();
  }

  std::string file(const char* name, const std::string& text) const {
    std::ofstream(directory.path() / name) << text;
    return (directory.path() / name).string();
  }

  test::TemporaryDirectory directory;
  test::RefusingPort nobody;
  settings::Settings settings = settings::defaultSettings();
};

}  // namespace

TEST_CASE("A start that cannot be tells why, and with which exit code") {
  RuntimeFixture p2;
  SECTION("no service account") {
    p2.settings.fcm.serviceAccountFile = p2.directory.path() / "none.json";
    const auto fault = std::get<StartFault>(p2.start());
    CHECK(fault.exitCode == EX_CONFIG);
    CHECK(fault.text.starts_with("fcm.serviceAccountFile"));
  }
  SECTION("no authorities") {
    p2.settings.xmpp.tls = settings::Tls::direct;
    p2.settings.xmpp.caFile = p2.directory.path() / "none.pem";
    const auto fault = std::get<StartFault>(p2.start());
    CHECK(fault.exitCode == EX_CONFIG);
    CHECK(fault.text.find("xmpp.caFile") != std::string::npos);
  }
  SECTION("a store where a file is") {
    p2.settings.store.path = p2.file("store-file", "");
    const auto fault = std::get<StartFault>(p2.start());
    CHECK(fault.exitCode == EX_CANTCREAT);
    CHECK(fault.text.find("is not a directory") != std::string::npos);
  }
  SECTION("another p2 has the store") {
    const auto first = p2.started();
    const auto fault = std::get<StartFault>(p2.start());
    CHECK(fault.exitCode == EX_CANTCREAT);
    CHECK(p2.status());
  }
}

#ifndef P2_SANITIZED  // which takes address space without end
namespace {

/// Bounds this process's address space, of which each thread takes some, to what it has and `bytes`.
class BoundedSpace {
 public:
  explicit BoundedSpace(rlim_t bytes) {
    REQUIRE(::getrlimit(RLIMIT_AS, &_before) == 0);
    rlim_t pages = 0;
    REQUIRE(std::ifstream("/proc/self/statm") >> pages);
    const rlimit bounded{pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + bytes, _before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_AS, &bounded) == 0);
  }
  BoundedSpace(const BoundedSpace&) = delete;
  BoundedSpace& operator=(const BoundedSpace&) = delete;
  ~BoundedSpace() { ::setrlimit(RLIMIT_AS, &_before); }

 private:
  rlimit _before{};
};

}  // namespace

TEST_CASE("A start that the system refuses a stream's thread leaves nothing behind, whatever runs already") {
  RuntimeFixture p2;
  p2.settings.xmpp.connections = 500;
  {
    const BoundedSpace space(rlim_t{1} << 30U);
    CHECK_THROWS(p2.start());
  }
  CHECK_FALSE(p2.status());
  p2.settings.xmpp.connections = 1;
  p2.started();
}
#endif

TEST_CASE("A running daemon is asked over its socket, and is gone when it is stopped") {
  const RuntimeFixture p2;
  const auto runtime = p2.started();
  const auto status = p2.status();
  REQUIRE(status);
  CHECK(status->jid == "push.example.org");
  CHECK(status->streams == 1);
  CHECK(status->legacy);
  runtime->touch();
  runtime->stop(0ms);
  runtime->stop(0ms);
  CHECK_FALSE(p2.status());
}

TEST_CASE("A reload takes over what it can, and says by the time what waits for a restart") {
  RuntimeFixture p2;
  const auto runtime = p2.started();
  const auto first = p2.status()->settingsRead;
  std::this_thread::sleep_for(1100ms);  // the time is told in seconds
  auto later = p2.settings;
  later.limits.pushesPerSecond += 1;
  later.xmpp.port = static_cast<std::uint16_t>(later.xmpp.port + 1);
  REQUIRE(runtime->reload(later).ok());
  CHECK(p2.status()->settingsRead == first);
  later.xmpp.port = p2.settings.xmpp.port;
  REQUIRE(runtime->reload(later).ok());
  CHECK(p2.status()->settingsRead > first);
}

TEST_CASE("A reload with a file that is not right changes nothing") {
  RuntimeFixture p2;
  const auto runtime = p2.started();
  auto later = p2.settings;
  later.fcm.serviceAccountFile = p2.file("sa.json", "{}");
  const auto refused = runtime->reload(later);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().starts_with("fcm.serviceAccountFile"));
  CHECK(p2.status()->legacy);

  later.fcm.serviceAccountFile =
      p2.file("sa.json", test::toJson(test::accountFields("https://127.0.0.1:1/token")));
  REQUIRE(runtime->reload(later).ok());
  CHECK_FALSE(p2.status()->legacy);
}

TEST_CASE("Each of xmpp.connections is a stream") {
  RuntimeFixture p2;
  p2.settings.xmpp.connections = 3;
  const auto runtime = p2.started();
  CHECK(p2.status()->streams == 3);
}

TEST_CASE("Where the pages cannot be served p2 serves all the same") {
  RuntimeFixture p2;
  const test::RefusingPort taken;
  p2.settings.http.listen = settings::HostAndPort{"127.0.0.1", taken.port()};
  const auto runtime = p2.started();
  CHECK(p2.status());
}

TEST_CASE("Without domains, those that are stored are dropped at the start") {
  RuntimeFixture p2;
  store::Registration row;
  row.node = "node";
  row.secret = core::Secret("secret");
  row.key.device = std::string(40, 'a');
  row.domain = "a.example";
  row.target.value = core::Secret("token");
  lmdb::Store::Options options;
  options.path = p2.settings.store.path;
  REQUIRE(test::importAll(*lmdb::Store::open(options).value(), std::vector{row}).ok());

  p2.settings.store.keepDomain = false;
  p2.started()->stop(1s);
  const auto stored = lmdb::Store::openReadOnly(options.path).value()->find("node").value();
  REQUIRE(stored);
  CHECK(stored->domain.empty());
}
