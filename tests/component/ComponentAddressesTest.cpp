#include "ComponentFixture.h"
#include "ScriptedServer.h"
#include "support/Catch.h"
#include "support/Certificates.h"
#include "support/LoopbackAddress.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

Component::Options optionsOver(std::vector<p2::http::Address> addresses) {
  auto options = optionsFor(std::uint16_t{1});
  options.host = "cluster.example";
  options.resolver = [addresses = std::move(addresses)](const std::string&, std::uint16_t) {
    return addresses;
  };
  return options;
}

/// A node of a cluster that serves.
void serve(Peer& peer, int) {
  peer.open();
  peer.awaitEnd();
}

/// What may be wrong with one node.
struct Node {
  std::string name;
  ScriptedServer::Script script;
  bool silent = false;  ///< It is given up when the handshake's time is over.
};

const std::vector<Node>& badNodes() {
  static const std::vector<Node> nodes{
      {"says nothing", [](Peer& peer, int) { peer.awaitEnd(); }, true},
      {"closes", [](Peer&, int) {}},
      {"closes after the stream's header", [](Peer& peer, int) { peer.openStream(); }},
      {"does not answer the handshake",
       [](Peer& peer, int) {
         peer.openStream();
         peer.awaitEnd();
       },
       true},
      {"does not know the host",
       [](Peer& peer, int) {
         peer.await("'>");
         peer.fail("host-unknown");
         peer.awaitEnd();
       }},
      {"refuses the handshake",
       [](Peer& peer, int) {
         peer.openStream();
         peer.fail("not-authorized");
         peer.awaitEnd();
       }},
      {"goes down",
       [](Peer& peer, int) {
         peer.openStream();
         peer.fail("system-shutdown");
         peer.awaitEnd();
       }},
      {"speaks something else",
       [](Peer& peer, int) {
         peer.send("220 mail.example ESMTP\r\n");
         peer.awaitEnd();
       },
       true},
      {"serves for a moment", [](Peer& peer, int) { peer.open(); }},
  };
  return nodes;
}

}  // namespace

TEST_CASE(
    "A node that takes connections and does not serve is left for the next, whatever is wrong with it") {
  for (const Node& node : badNodes()) {
    CAPTURE(node.name);
    ScriptedServer bad(node.script), good(serve);
    auto options = optionsOver(std::vector{at(bad.port()), at(good.port())});
    if (node.silent) options.handshakeTimeout = 1s;
    TestComponent component(options);
    REQUIRE(eventually([&] { return good.connections() > 0; }));
    CHECK(component.reaches(State::connected, node.name == "serves for a moment" ? 2 : 1));
    CHECK(bad.connections() == 1);
  }
}

TEST_CASE("A node that drops or refuses connections does not keep a component from the others") {
  const DeafServer deaf;
  const RefusingPort refusing;
  for (const auto port : {deaf.port(), refusing.port()}) {
    ScriptedServer good(serve);
    auto options = optionsOver(std::vector{at(port), at(good.port())});
    options.connectTimeout = 60s;
    TestComponent component(options);
    CHECK(component.reaches(State::connected));
  }
}

TEST_CASE("A node whose certificate is not the host's is left for the next") {
  const auto context = p2::http::TlsContext::create({authority().file(), "xmpp.caFile"}).value();
  ScriptedServer bad(serve, authority().issue({"DNS:other.example", false}));
  ScriptedServer good(serve, authority().issue({"DNS:cluster.example", false}));
  auto options = optionsOver(std::vector{at(bad.port()), at(good.port())});
  options.tls = context;
  TestComponent component(options);
  CHECK(component.reaches(State::connected));
  CHECK(component->status().lastFault.empty());
}

TEST_CASE("A node that failed is asked again after all the others") {
  Mailbox end;
  ScriptedServer bad([](Peer&, int) {});
  ScriptedServer first([&](Peer& peer, int connection) {
    if (connection > 2) return;
    peer.open();
    end.take();
  });
  ScriptedServer second(serve);
  TestComponent component(optionsOver(std::vector{at(bad.port()), at(first.port()), at(second.port())}));
  REQUIRE(component.reaches(State::connected));
  CHECK(bad.connections() == 1);
  CHECK(first.connections() == 1);
  end.put("over");
  // It has not served for long, so the next one is asked.
  REQUIRE(component.reaches(State::connected, 2));
  CHECK(second.connections() == 1);
  CHECK(bad.connections() == 1);
}

TEST_CASE("Several components of one host begin at different nodes") {
  ScriptedServer one(serve), two(serve), three(serve);
  const auto options = optionsOver(std::vector{at(one.port()), at(two.port()), at(three.port())});
  std::vector<std::unique_ptr<TestComponent>> components;
  for (std::size_t n = 0; n < 6; ++n) {
    auto its = options;
    its.firstAddress = n;
    components.push_back(std::make_unique<TestComponent>(its));
  }
  for (auto& component : components) REQUIRE(component->reaches(State::connected));
  for (const auto* server : {&one, &two, &three}) CHECK(server->connections() == 2);
}

TEST_CASE("A component that is destroyed does not wait for a node that drops what comes") {
  const DeafServer deaf;
  auto options = optionsOver(std::vector{at(deaf.port()), at(deaf.port())});
  options.connectTimeout = 3600s;
  const auto begin = std::chrono::steady_clock::now();
  { TestComponent component(options); }
  CHECK(std::chrono::steady_clock::now() - begin < 60s);
}
