#include "Connection.h"
#include "ScriptedServer.h"
#include "support/Catch.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using p2::component::Connection;

namespace {

Connection::Options connectionTo(std::uint16_t port, const std::string& host = "127.0.0.1") {
  Connection::Options options;
  options.host = host;
  options.port = port;
  options.connectTimeout = options.writeTimeout = kPatience;
  return options;
}

/// Connected, and with a patience that is longer than any of these tests.
std::unique_ptr<Connection> connected(const Connection::Options& options) {
  auto connection = std::make_unique<Connection>(options);
  p2::http::Route route;
  REQUIRE(connection->connect(route).ok());
  connection->watch([] { return std::chrono::milliseconds(kPatience); });
  return connection;
}

std::string readAll(Connection& connection) {
  std::array<char, 4096> chunk{};
  std::string all;
  while (const auto count = connection.read(chunk.data(), chunk.size())) all.append(chunk.data(), count);
  return all;
}

}  // namespace

TEST_CASE("A host without an address is named, with the setting") {
  // A label of more than 63 characters: no resolver has to be asked.
  p2::http::Route route;
  Connection connection(connectionTo(1, std::string(70, 'a') + ".invalid"));
  const auto result = connection.connect(route);
  REQUIRE(!result.ok());
  CHECK_THAT(result.error(),
             ContainsSubstring("cannot find the XMPP server") && ContainsSubstring("xmpp.host"));
}

TEST_CASE("Bytes go both ways, and the end of the peer is the end of the input") {
  ScriptedServer server([](Peer& peer, int) {
    peer.await("ping");
    peer.send("pong");
  });
  const auto connection = connected(connectionTo(server.port()));
  CHECK(connection->write("ping"));
  CHECK(readAll(*connection) == "pong");
  CHECK(connection->why().empty());
}

TEST_CASE("Patience is asked when nothing comes, and ends the input when it is out") {
  ScriptedServer server([](Peer& peer, int) { peer.awaitEnd(); });
  const auto connection = connected(connectionTo(server.port()));
  int asked = 0;
  connection->watch([&] { return ++asked < 3 ? 1ms : 0ms; });
  CHECK(readAll(*connection).empty());
  CHECK(asked == 3);
}

TEST_CASE("After the last words nothing is written, but what still comes is read") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    seen.put(peer.awaitEnd());
    peer.send("and you");
  });
  const auto connection = connected(connectionTo(server.port()));
  CHECK(connection->finish("farewell", kPatience));
  CHECK(!connection->write("more"));
  CHECK(!connection->finish("again", 0ms));
  CHECK(seen.take() == "farewell");
  CHECK(readAll(*connection) == "and you");
}

TEST_CASE("What a peer said before it went away can be read even after a write has failed") {
  ScriptedServer server([](Peer& peer, int) { peer.send("because"); });
  const auto connection = connected(connectionTo(server.port()));
  while (connection->write("to nobody")) std::this_thread::yield();
  CHECK(readAll(*connection) == "because");
  CHECK(!connection->why().empty());
}

TEST_CASE("A peer that takes nothing is given up after the write timeout") {
  Mailbox done;
  ScriptedServer server([&](Peer& peer, int) {
    peer.narrow();
    done.take();
  });
  auto options = connectionTo(server.port());
  options.writeTimeout = 50ms;
  const auto connection = connected(options);
  CHECK(!connection->write(std::string(64 * 1024 * 1024, 'x')));
  CHECK_THAT(connection->why(), ContainsSubstring("takes nothing"));
  CHECK(readAll(*connection).empty());
  done.put("done");
}

TEST_CASE("Shutting down ends a write, a read and whoever waits for their turn, from any thread") {
  Mailbox writing, done;
  ScriptedServer server([&](Peer& peer, int) {
    peer.narrow();
    peer.stirsWithin(kPatience);
    writing.put("a part has come, and the rest cannot");
    done.take();
  });
  const auto connection = connected(connectionTo(server.port()));
  std::thread writer([&] { connection->write(std::string(64 * 1024 * 1024, 'x')); });
  REQUIRE(!writing.take().empty());
  std::thread waiting([&] { connection->write("y"); });
  std::thread reader([&] { readAll(*connection); });
  CHECK(!connection->finish("z", 20ms));
  connection->shutdown();
  writer.join();
  waiting.join();
  reader.join();
  CHECK(!connection->write("z"));
  CHECK(connection->why().empty());
  done.put("done");
}

TEST_CASE("A connection that was shut down before does not connect") {
  ScriptedServer server([](Peer& peer, int) { peer.awaitEnd(); });
  p2::http::Route route;
  Connection connection(connectionTo(server.port()));
  connection.shutdown();
  CHECK(!connection.connect(route).ok());
  CHECK(!connection.write("x"));
}
