#include "ComponentFixture.h"
#include "ScriptedServer.h"
#include "support/Catch.h"
#include "support/LogOf.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

using Times = std::vector<std::chrono::steady_clock::time_point>;

// As long as the tests' machine may be slow, and shorter than a wait that has grown.
constexpr auto kSlowness = 5s;

/// Refuses so many connections as Prosody does, the others it serves.
ScriptedServer::Script refusing(int connections) {
  return [connections](Peer& peer, int connection) {
    peer.openStream();
    if (connection <= connections) {
      peer.fail("conflict");
    } else {
      peer.send("<handshake/>");
    }
    peer.awaitEnd();
  };
}

std::size_t linesWith(const LogOf& log, const std::string& words) {
  const auto texts = log.texts();
  return static_cast<std::size_t>(std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
    return text.find(words) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("While the server has another's stream it stands by and says so once, until it takes over") {
  constexpr int kRefused = 50;
  const LogOf log("component");
  ScriptedServer server(refusing(kRefused));
  TestComponent component(optionsFor(server.port()));
  REQUIRE(component.reaches(State::standby));
  REQUIRE(component.reaches(State::connected));
  CHECK(server.connections() == kRefused + 1);
  CHECK_FALSE(component.reached(State::connecting));
  CHECK(component->status().lastFault.empty());
  const auto texts = log.texts();
  REQUIRE(texts.size() == 2);
  // A notice each: it is as it should be.
  CHECK(texts[0] == "5 another p2 is connected as push.example.org (conflict); standing by until it is gone");
  CHECK_THAT(texts[1], StartsWith("5 the other connection is gone, and this p2 takes over: connected to"));
}

TEST_CASE("Where no second p2 should be, standing by is a warning that says what to do") {
  const LogOf log("component");
  ScriptedServer server(refusing(3));
  auto options = optionsFor(server.port());
  options.standbyCaution = "stop one of the two";
  TestComponent component(options);
  REQUIRE(component.reaches(State::connected));
  CHECK_THAT(log.texts().at(0), StartsWith("4 ") && ContainsSubstring("stop one of the two"));
}

TEST_CASE(
    "Where no second p2 should be, the wait grows as after other failures, and nothing is taken over soon") {
  ScriptedServer server(refusing(1000000));
  auto options = optionsFor(server.port());
  options.standbyPause = 1ms;
  options.backoffMost = 1h;
  options.standbyCaution = "stop one of the two";
  TestComponent component(options);
  REQUIRE(component.reaches(State::standby));
  std::this_thread::sleep_for(2s);
  // Each wait has a tenth of a second at least.
  CHECK(server.connections() <= 21);
  CHECK(component->status().state == State::standby);
}

TEST_CASE("While it stands by the state and the reason stay, and the pause does not grow") {
  const auto pause = 20ms;
  Times tries;
  std::mutex mutex;
  ScriptedServer server([&](Peer& peer, int) {
    {
      const std::scoped_lock lock(mutex);
      tries.push_back(std::chrono::steady_clock::now());
    }
    peer.openStream();
    peer.fail("conflict");
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.standbyPause = pause;
  options.backoffMost = 1h;
  TestComponent component(options);
  REQUIRE(component.reaches(State::standby));
  const auto since = component->status().since;
  REQUIRE(eventually([&] { return server.connections() > 20; }));
  CHECK(component->status().state == State::standby);
  CHECK(component->status().since == since);
  CHECK_THAT(component->status().lastFault, ContainsSubstring("(conflict)"));
  component.destroy();
  const std::scoped_lock lock(mutex);
  for (std::size_t i = 1; i < tries.size(); ++i) {
    CAPTURE(i);
    CHECK(tries[i] - tries[i - 1] >= pause);
    CHECK(tries[i] - tries[i - 1] < 2 * pause + kSlowness);
  }
}

TEST_CASE("Another failure while it stands by is told as such, and standing by again is told again") {
  const LogOf log("component");
  ScriptedServer server([](Peer& peer, int connection) {
    peer.openStream();
    if (connection == 4) {
      peer.fail("system-shutdown");
    } else if (connection < 8) {
      peer.fail("conflict");
    } else {
      peer.send("<handshake/>");
    }
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  REQUIRE(component.reaches(State::connected));
  CHECK(component.reached(State::connecting));
  CHECK(component.reaches(State::standby, 2));
  CHECK(linesWith(log, "standing by") == 2);
  CHECK(linesWith(log, "shuts down") == 1);
  CHECK(linesWith(log, "takes over") == 1);
}

TEST_CASE(
    "Whose place another took waits for long, so that the two do not push each other out all the time") {
  const LogOf log("component");
  Mailbox times;
  ScriptedServer server([&](Peer& peer, int connection) {
    times.put("tried");
    peer.open();
    if (connection < 3) peer.fail("conflict");
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.backoffMost = 300ms;
  TestComponent component(options);
  const auto begin = std::chrono::steady_clock::now();
  REQUIRE(component.reaches(State::connected, 3));
  CHECK(std::chrono::steady_clock::now() - begin >= 600ms);
  CHECK_FALSE(component.reached(State::standby));
  CHECK(linesWith(log, "took the place of this one") == 2);
}

TEST_CASE("Of several connections to a server that takes one, none stands by") {
  ScriptedServer server(refusing(2));
  auto options = optionsFor(server.port());
  options.connections = 2;
  TestComponent component(options);
  REQUIRE(component.reaches(State::connected));
  CHECK_FALSE(component.reached(State::standby));
}

TEST_CASE("One that stands by can be stopped at any moment") {
  ScriptedServer server(refusing(1000000));
  auto options = optionsFor(server.port());
  options.standbyPause = 1h;
  TestComponent component(options);
  REQUIRE(component.reaches(State::standby));
  component->stopReading();
  component->close(1h);
  component.destroy();
  CHECK(component.reached(State::stopped));
}
