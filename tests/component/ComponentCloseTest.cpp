#include "ComponentFixture.h"
#include "ScriptedServer.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

// All timeouts of optionsFor() are beyond it: whoever waits for one of them is too late.
constexpr auto kAtOnce = kPatience / 2;

/// How long `work` takes.
template <class Work>
auto duration(Work&& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - began;
}

/// Keeps the processor busy: a wait that ends after `time` even if others want the processor too.
void spin(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

}  // namespace

TEST_CASE("Requests that come after stopReading are answered wait and not handed out") {
  Mailbox seen, go;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send(requestStanza("early"));
    peer.await("id='early'");
    go.take();
    peer.send(requestStanza("late"));
    seen.put(peer.await("</iq>"));
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  REQUIRE(component.gets(1));
  component->stopReading();
  go.put("on");
  CHECK_THAT(seen.take(), ContainsSubstring("id='late'") &&
                              ContainsSubstring("<error type='wait'><internal-server-error "));
  CHECK(component.handedOut() == std::vector<std::string>{"early"});
}

TEST_CASE("Closing sends every answer, ends the stream, and waits for the server to end it") {
  constexpr std::size_t kRequests = 500;
  std::string all;
  for (std::size_t i = 0; i < kRequests; ++i) all += requestStanza("r" + std::to_string(i));
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send(all);
    seen.put(peer.awaitEnd());
    // What a server still sends must not cost it the answers that it has not read yet.
    seen.put(peer.send(requestStanza("too-late") + kStreamEnd) ? "open" : "broken");
  });
  TestComponent component(optionsFor(server.port()), true);
  REQUIRE(component.gets(kRequests));
  component->stopReading();
  component.answerKept();
  CHECK(duration([&] { component->close(kPatience); }) < kAtOnce);
  const auto answers = seen.take();
  CHECK(count(answers, "type='result'") == kRequests);
  CHECK_THAT(answers, EndsWith(kStreamEnd));
  CHECK(seen.take() == "open");
  CHECK(component.reaches(State::stopped));
  CHECK(server.connections() == 1);
}

TEST_CASE("Closing does not wait for a server that does not end the stream, nor for one that takes nothing") {
  const bool reads = GENERATE(true, false);
  Mailbox done;
  ScriptedServer server([&](Peer& peer, int) {
    if (!reads) peer.narrow();
    peer.open();
    if (reads) peer.awaitEnd();
    while (!reads && peer.send(requestStanza(std::string(20000, 'x')))) {
    }
    done.take();
  });
  auto options = optionsFor(server.port());
  options.outboxCapacity = 100;
  TestComponent component(options);
  REQUIRE(component.reaches(State::connected));
  if (!reads) {
    REQUIRE(eventually([&] { return component->status().unsentAnswers >= options.outboxCapacity; }));
  }
  component->stopReading();
  CHECK(duration([&] { component->close(100ms); }) < kAtOnce);
  CHECK(duration([&] { component.destroy(); }) < kAtOnce);
  done.put("done");
}

TEST_CASE("A component that is destroyed while its stream is open ends it in due form") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    seen.put(peer.awaitEnd());
  });
  TestComponent component(optionsFor(server.port()));
  REQUIRE(component.reaches(State::connected));
  component.destroy();
  CHECK(seen.take() == kStreamEnd);
}

TEST_CASE("A component that is destroyed while it waits for the handshake does not hang") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    seen.put(peer.openStream());
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  CHECK_THAT(seen.take(), ContainsSubstring("<handshake>"));
  CHECK(duration([&] { component.destroy(); }) < kAtOnce);
}

TEST_CASE("A component that is destroyed while it connects does not hang") {
  // A queue for connections that is full: who connects now waits.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto port = ntohs(address.sin_port);
  const int filling = connectLoopback(port);

  for (int i = 0; i < 20; ++i) {
    TestComponent component(optionsFor(port));
    spin(i * 100us);
    CHECK(duration([&] { component.destroy(); }) < kAtOnce);
  }
  ::close(filling);
  ::close(listener);
}

TEST_CASE("A component that is destroyed while it waits to connect again does not hang") {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone([](Peer&, int) {});
    port = gone.port();
  }
  auto options = optionsFor(port);
  options.backoffMost = std::chrono::milliseconds(kPatience);
  TestComponent component(options);
  CHECK_THAT(component.fault(), ContainsSubstring("cannot reach the XMPP server at 127.0.0.1:") &&
                                    ContainsSubstring("Connection refused") &&
                                    ContainsSubstring("is it running"));
  CHECK(duration([&] { component.destroy(); }) < kAtOnce);
}

TEST_CASE("A component can be destroyed at any moment of its stream") {
  ScriptedServer server([](Peer& peer, int) {
    peer.open();
    for (int i = 0; i < 100; ++i) {
      if (!peer.send(requestStanza("r"))) break;
    }
    peer.send(kStreamEnd);
    peer.awaitEnd();
  });
  for (int i = 0; i < 100; ++i) {
    TestComponent component(optionsFor(server.port()));
    spin(i * 50us);
    CHECK(duration([&] { component.destroy(); }) < kAtOnce);
  }
}
