#include "Connection.h"
#include "Outbox.h"
#include "ScriptedServer.h"
#include "support/Catch.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace p2::test;
using namespace std::chrono_literals;
using p2::component::Connection;
using p2::component::Outbox;

namespace {

std::shared_ptr<Connection> connected(const ScriptedServer& server) {
  Connection::Options options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.connectTimeout = options.writeTimeout = kPatience;
  auto connection = std::make_shared<Connection>(options);
  p2::http::Route route;
  REQUIRE(connection->connect(route).ok());
  return connection;
}

struct Fixture {
  p2::core::Metrics metrics;
  Mailbox seen;
  ScriptedServer server{[this](Peer& peer, int) { seen.put(peer.awaitEnd()); }};

  std::uint64_t sent() { return metrics.counter("p2_stanzas_sent_total", "").value(); }
  std::uint64_t expired() { return metrics.counter("p2_answers_expired_total", "").value(); }
};

}  // namespace

TEST_CASE("What was sent before there is a connection goes out in order, once") {
  Fixture f;
  Outbox outbox(1000, kPatience, f.metrics);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    outbox.send("<a n='" + std::to_string(i) + "'/>");
    expected += "<a n='" + std::to_string(i) + "'/>";
  }
  CHECK(outbox.unsent() == 100);
  const auto connection = connected(f.server);
  outbox.attach(connection);
  CHECK(outbox.flush(kPatience));
  CHECK(outbox.unsent() == 0);
  CHECK(f.sent() == 100);
  connection->shutdown();
  CHECK(f.seen.take() == expected);
}

TEST_CASE("More than goes out at once arrives whole and in order, whatever the lengths") {
  Fixture f;
  Outbox outbox(100000, kPatience, f.metrics);
  std::string expected;
  const auto send = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      // Now and then one that is longer than what goes out at once.
      const std::string padding(i % 500 == 7 ? 100000 : i % 97, 'x');
      const std::string stanza = "<a n='" + std::to_string(i) + "'>" + padding + "</a>";
      expected += stanza;
      outbox.send(stanza);
    }
  };
  send(0, 4000);
  CHECK(outbox.unsent() == 4000);
  const auto connection = connected(f.server);
  outbox.attach(connection);
  send(4000, 8000);
  CHECK(outbox.flush(kPatience));
  CHECK(f.sent() == 8000);
  connection->shutdown();
  CHECK((f.seen.take() == expected));
}

TEST_CASE("Many threads may send") {
  Fixture f;
  const auto connection = connected(f.server);
  Outbox outbox(100000, kPatience, f.metrics);
  outbox.attach(connection);
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) outbox.send("<a/>");
    });
  }
  for (auto& sender : senders) sender.join();
  CHECK(outbox.flush(kPatience));
  connection->shutdown();
  CHECK(count(f.seen.take(), "<a/>") == 4000);
}

TEST_CASE("What a lost connection did not take stays for the next one") {
  Fixture f;
  Outbox outbox(10, kPatience, f.metrics);
  const auto lost = connected(f.server);
  lost->shutdown();
  f.seen.take();
  outbox.attach(lost);
  outbox.send("<a/>");
  CHECK(!outbox.flush(0ms));
  const auto next = connected(f.server);
  outbox.attach(next);
  CHECK(outbox.flush(kPatience));
  next->shutdown();
  CHECK(f.seen.take() == "<a/>");
  CHECK(f.sent() == 1);
}

TEST_CASE("What is too old for a new connection is dropped, and counted") {
  Fixture f;
  Outbox outbox(10, 0ms, f.metrics);
  outbox.send("<old/>");
  outbox.send("<old/>");
  const auto connection = connected(f.server);
  outbox.attach(connection);
  REQUIRE(outbox.flush(kPatience));
  CHECK(f.expired() == 2);
  // On a connection that lasts nothing is too old.
  outbox.send("<new/>");
  REQUIRE(outbox.flush(kPatience));
  connection->shutdown();
  CHECK(f.seen.take() == "<new/>");
}

TEST_CASE("What is too old is dropped, though something new is sent as soon as there is a connection") {
  Fixture f;
  for (unsigned n = 0; n < 20; ++n) {
    Outbox outbox(10, 0ms, f.metrics);
    outbox.send("<old/>");
    const auto connection = connected(f.server);
    outbox.attach(connection);
    outbox.send("<new/>");
    REQUIRE(outbox.flush(kPatience));
    connection->shutdown();
    CHECK(f.seen.take() == "<new/>");
    CHECK(f.expired() == n + 1);
  }
}

TEST_CASE("There is room while fewer stanzas than the capacity are unsent") {
  Fixture f;
  Outbox outbox(2, kPatience, f.metrics);
  outbox.send("<a/>");
  CHECK(outbox.waitForRoom(0ms));
  outbox.send("<a/>");
  CHECK(!outbox.waitForRoom(kPatience));  // at once: without a connection there will be none
  const auto connection = connected(f.server);
  outbox.attach(connection);
  CHECK(outbox.waitForRoom(kPatience));
  connection->shutdown();
}

TEST_CASE("Few stanzas that are long leave no room either") {
  Fixture f;
  Outbox outbox(1000, kPatience, f.metrics);
  for (int i = 0; i < 63; ++i) outbox.send(std::string(1024 * 1024, 'x'));
  CHECK(outbox.waitForRoom(0ms));
  outbox.send(std::string(1024 * 1024, 'x'));
  CHECK(!outbox.waitForRoom(0ms));
  const auto connection = connected(f.server);
  outbox.attach(connection);
  CHECK(outbox.flush(kPatience));
  CHECK(outbox.waitForRoom(0ms));
  connection->shutdown();
}

TEST_CASE("Who waits for room is told at once that the connection is lost") {
  Mailbox done;
  ScriptedServer server([&](Peer& peer, int) {
    peer.narrow();
    done.take();
  });
  p2::core::Metrics metrics;
  Outbox outbox(1, kPatience, metrics);
  const auto connection = connected(server);
  outbox.attach(connection);
  outbox.send(std::string(64 * 1024 * 1024, 'x'));
  std::thread ending([&] { connection->shutdown(); });
  CHECK(!outbox.waitForRoom(kPatience));
  ending.join();
  done.put("done");
}

TEST_CASE("An outbox that is destroyed in the middle of a write does not hang") {
  Mailbox done;
  ScriptedServer server([&](Peer& peer, int) {
    peer.narrow();
    done.take();
  });
  p2::core::Metrics metrics;
  {
    Outbox outbox(1, kPatience, metrics);
    outbox.attach(connected(server));
    outbox.send(std::string(64 * 1024 * 1024, 'x'));
  }
  done.put("done");
}
