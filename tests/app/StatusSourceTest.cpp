#include "component/ScriptedServer.h"
#include "daemon/StatusSource.h"
#include "p2/lmdb/Store.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"
#include "support/LoopbackServer.h"
#include "support/TemporaryDirectory.h"

#include <Poco/Message.h>

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::app;

namespace {

class Delivers final : public push::Sender {
 public:
  push::Outcome send(const push::Message& /*message*/,
                     core::Clock::TimePoint /*deadline*/) noexcept override {
    push::Outcome outcome;
    outcome.kind = push::Outcome::Kind::delivered;
    return outcome;
  }
};

/// All that a daemon has to be looked at; without a port, with a server that nobody runs.
class Daemon {
 public:
  explicit Daemon(std::size_t streams = 1, std::uint16_t port = 0) {
    settings.xmpp.host = "127.0.0.1";
    settings.xmpp.port = port == 0 ? nobody.port() : port;
    settings.xmpp.jid = "push.example.org";
    lmdb::Store::Options options;
    options.path = directory.path() / "store";
    store = std::move(lmdb::Store::open(options)).value();
    for (const push::ServiceName& service :
         {push::ServiceName{"one", "One"}, push::ServiceName{"two", "Two"}}) {
      push::Dispatcher::Options queue;
      queue.service = service;
      dispatchers.push_back(std::make_unique<push::Dispatcher>(
          queue, [] { return std::make_unique<Delivers>(); }, metrics));
    }
    for (std::size_t i = 0; i < streams; ++i) {
      component::Component::Options stream;
      stream.host = settings.xmpp.host;
      stream.port = settings.xmpp.port;
      stream.jid = settings.xmpp.jid;
      stream.sharedSecret = core::Secret("secret");
      components.push_back(std::make_unique<component::Component>(
          stream, [](const xmpp::Iq&, xmpp::Responder) {}, [](component::Component::State) {}, metrics));
    }
  }

  StatusSource::Parts parts() {
    StatusSource::Parts parts{settings.xmpp, *store, {}, {}, metrics, *faults};
    for (const auto& component : components) parts.components.push_back(component.get());
    for (const auto& dispatcher : dispatchers) parts.dispatchers.push_back(dispatcher.get());
    return parts;
  }

  test::TemporaryDirectory directory;
  test::RefusingPort nobody;
  settings::Settings settings;
  core::Metrics metrics;
  std::unique_ptr<lmdb::Store> store;
  std::vector<std::unique_ptr<push::Dispatcher>> dispatchers;
  std::vector<std::unique_ptr<component::Component>> components;
  Poco::AutoPtr<logging::RecentFaults> faults = new logging::RecentFaults;
};

store::Registration registration() {
  store::Registration made;
  made.node = "node";
  made.secret = core::Secret("secret");
  made.key = {store::Service::fcm, std::string(40, 'a'), ""};
  made.domain = "a.example";
  made.target.value = core::Secret("token");
  return made;
}

}  // namespace

TEST_CASE("The status tells what there is: server, store, faults, and no token where none is needed") {
  Daemon daemon;
  REQUIRE(test::importAll(*daemon.store, std::vector{registration()}).ok());
  daemon.faults->log(Poco::Message("proxy", "a fault", Poco::Message::PRIO_ERROR));
  const StatusSource source(daemon.parts(), nullptr);
  const auto status = source.look();
  CHECK(status.server == "127.0.0.1:" + std::to_string(daemon.nobody.port()));
  CHECK(status.jid == "push.example.org");
  CHECK(status.registrations == 1);
  CHECK(status.storeBytes > 0);
  CHECK(status.storeFault.empty());
  CHECK(status.legacy);
  CHECK_FALSE(status.targetsSeemGone);
  CHECK(status.pid > 0);
  REQUIRE(status.faults.size() == 1);
  CHECK(status.faults[0].text == "a fault");
  CHECK(status.metrics.find("p2_registrations 1\n") != std::string::npos);
}

TEST_CASE("The status tells of each push service, and the sums of all") {
  Daemon daemon;
  const StatusSource source(daemon.parts(), nullptr);
  for (std::size_t i = 0; i < daemon.dispatchers.size(); ++i) {
    std::promise<void> told;
    daemon.dispatchers[i]->submit(
        "flow", "node", {}, [&told](const push::Outcome&) { told.set_value(); }, 1);
    told.get_future().wait();
    const auto status = source.look();
    REQUIRE(status.services.size() == 2);
    CHECK(status.services[0].key == "one");
    CHECK(status.services[1].title == "Two");
    CHECK(status.services[1].workers == i);
    CHECK(status.workers == i + 1);
    CHECK(status.queued == 0);
  }
  const auto metrics = source.look().metrics;
  for (const char* service : {"one", "two"}) {
    const std::string label = std::string("{service=\"") + service + "\"";
    CHECK(metrics.find("\np2_targets_seem_gone" + label + "} 0\n") != std::string::npos);
    CHECK(metrics.find("\np2_push_workers" + label + "} 1\n") != std::string::npos);
    CHECK(metrics.find("\np2_pushes_total" + label + ",outcome=\"delivered\"} 1\n") != std::string::npos);
  }
}

TEST_CASE("Without a server the status says that no stream is open, and why") {
  Daemon daemon(2);
  const StatusSource source(daemon.parts(), nullptr);
  REQUIRE(test::eventually([&] { return !source.look().streamFault.empty(); }));
  const auto status = source.look();
  CHECK_FALSE(status.connected);
  CHECK(status.streams == 2);
  CHECK(status.openStreams == 0);
  CHECK(status.streamFault.find("cannot reach the XMPP server") != std::string::npos);
  CHECK(status.since >= status.started - std::chrono::seconds(1));
}

TEST_CASE("Whether it stands by is told while no stream is open, to people and to Prometheus") {
  const auto open = GENERATE(false, true);
  test::ScriptedServer server([open](test::Peer& peer, int) {
    peer.openStream();
    if (open) {
      peer.send("<handshake/>");
    } else {
      peer.fail("conflict");
    }
    peer.awaitEnd();
  });
  Daemon daemon(1, server.port());
  const StatusSource source(daemon.parts(), nullptr);
  REQUIRE(
      test::eventually([&] { return source.look().connected == open && source.look().standingBy != open; }));
  const auto status = source.look();
  CHECK(status.openStreams == (open ? 1 : 0));
  CHECK(status.metrics.find(std::string("\np2_component_standing_by ") + (open ? '0' : '1') + '\n') !=
        std::string::npos);
  CHECK_FALSE(status.instance.empty());
}

TEST_CASE("Settings count as read anew only if nothing of them waits for a restart") {
  Daemon daemon;
  StatusSource source(daemon.parts(), nullptr);
  const auto first = source.look().settingsRead;
  CHECK(first == source.look().started);
  REQUIRE(test::eventually(
      [&] { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) > first; }));
  source.reloaded(nullptr, false);
  CHECK(source.look().settingsRead == first);
  source.reloaded(nullptr, true);
  CHECK(source.look().settingsRead > first);
}

TEST_CASE("A store that stands still without knowing it fails, and one that knows better says why itself") {
  Daemon daemon(0);
  auto parts = daemon.parts();
  parts.storeStandstill = [] { return std::string("it has not answered"); };
  const StatusSource source(std::move(parts), nullptr);
  CHECK(source.look().storeFault == "it has not answered");
  CHECK(source.look().metrics.find("\np2_store_failing 1\n") != std::string::npos);
}
