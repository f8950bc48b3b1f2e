#include "ComponentFixture.h"
#include "ScriptedServer.h"
#include "support/Catch.h"
#include "support/Certificates.h"

#include <chrono>
#include <memory>
#include <string>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

Component::Options tlsOptionsFor(std::uint16_t port, const std::string& host = "localhost") {
  static const auto context = p2::http::TlsContext::create({authority().file(), "xmpp.caFile"}).value();
  auto options = optionsFor(port);
  options.host = host;
  options.tls = context;
  return options;
}

void answerAll(Peer& peer, int) {
  peer.open();
  peer.awaitEnd();
}

}  // namespace

TEST_CASE("A stream over TLS is opened when the certificate is right") {
  ScriptedServer server(answerAll, authority().issue());
  TestComponent component(tlsOptionsFor(server.port(), GENERATE("localhost", "127.0.0.1")));
  CHECK(component.reaches(State::connected));
}

TEST_CASE("No word is said to a server whose certificate is wrong, and the fault says what is") {
  Mailbox seen;
  const auto said = [&](Peer& peer, int) { seen.put("said: " + peer.awaitEnd()); };
  const auto faultWith = [&](Identity identity, const std::string& host) {
    ScriptedServer server(said, std::move(identity));
    TestComponent component(tlsOptionsFor(server.port(), host));
    return component.fault();
  };
  CHECK_THAT(faultWith(selfSigned(), "localhost"),
             ContainsSubstring("is not trusted: ") && ContainsSubstring("xmpp.caFile"));
  CHECK_THAT(faultWith(authority().issue({.names = "DNS:localhost", .expired = true}), "localhost"),
             ContainsSubstring("certificate has expired"));
  const auto other = faultWith(authority().issue({.names = "DNS:other.example.org"}), "localhost");
  CHECK_THAT(other, ContainsSubstring("is for another name") && ContainsSubstring("xmpp.host"));
  CHECK_THAT(faultWith(authority().issue({.names = "DNS:localhost"}), "127.0.0.1"),
             ContainsSubstring("is for another name"));
  // Of those four only the last two got as far as the end of the handshake, and heard nothing then.
  CHECK(seen.take() == "said: ");
}

TEST_CASE("A server without TLS is named as such") {
  ScriptedServer server([](Peer& peer, int) {
    peer.stirsWithin(kPatience);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.awaitEnd();
  });
  TestComponent component(tlsOptionsFor(server.port()));
  CHECK_THAT(component.fault(),
             ContainsSubstring("does it speak TLS on that port? If not, leave xmpp.tls out"));
}

TEST_CASE("A server that does not finish the TLS handshake in time is given up, and never talked to") {
  ScriptedServer server([](Peer& peer, int) { peer.awaitEnd(); });
  auto options = tlsOptionsFor(server.port());
  options.connectTimeout = 50ms;
  TestComponent component(options);
  CHECK_THAT(component.fault(), ContainsSubstring("did not answer the TLS handshake in time"));
}

TEST_CASE("A component that is destroyed during the TLS handshake does not hang") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.stirsWithin(kPatience);
    seen.put("hello");
    peer.awaitEnd();
  });
  TestComponent component(tlsOptionsFor(server.port()));
  REQUIRE(seen.take() == "hello");
  const auto began = std::chrono::steady_clock::now();
  component.destroy();
  CHECK(std::chrono::steady_clock::now() - began < kPatience / 2);
}

TEST_CASE("An idle stream over TLS takes an answer at once") {
  Mailbox seen;
  ScriptedServer server(
      [&](Peer& peer, int) {
        peer.open();
        peer.send(requestStanza("1"));
        seen.put(peer.await("/>"));
        peer.awaitEnd();
      },
      authority().issue());
  TestComponent component(tlsOptionsFor(server.port()), true);
  REQUIRE(component.gets(1));
  const auto began = std::chrono::steady_clock::now();
  component.answerKept();
  CHECK_THAT(seen.take(), ContainsSubstring("id='1'"));
  CHECK(std::chrono::steady_clock::now() - began < kPatience / 2);
}

TEST_CASE("Reading and writing at once over TLS loses and doubles nothing") {
  constexpr std::size_t kRequests = 10000;
  std::string all;
  for (std::size_t i = 0; i < kRequests; ++i) all += requestStanza("r" + std::to_string(i));
  Mailbox seen;
  ScriptedServer server(
      [&](Peer& peer, int connection) {
        peer.open();
        const std::string last = "id='r" + std::to_string(kRequests - 1) + "'";
        peer.exchange(all, [&](const std::string& got) {
          return got.size() > last.size() &&
                 got.find(last, got.size() - std::min<std::size_t>(got.size(), 20000)) != std::string::npos;
        });
        peer.send("</stream:stream>");
        // Told together: afterwards it connects again.
        seen.put(std::to_string(connection) + ":" + peer.awaitEnd());
      },
      authority().issue());
  TestComponent component(tlsOptionsFor(server.port()));
  const std::string answers = seen.take();
  CHECK(answers.starts_with("1:"));
  CHECK(count(answers, "<iq ") == kRequests);
  std::size_t at = 0;
  for (std::size_t i = 0; i < kRequests && at != std::string::npos; ++i) {
    at = answers.find("id='r" + std::to_string(i) + "'", at);
    if (at == std::string::npos) FAIL("r" << i << " was not answered in its turn");
  }
}

TEST_CASE("Closing a stream over TLS sends what is unsent and says farewell") {
  Mailbox seen;
  ScriptedServer server(
      [&](Peer& peer, int) {
        peer.open();
        peer.send(requestStanza("1"));
        seen.put(peer.awaitEnd());
        seen.put(peer.send("</stream:stream>") ? "open" : "broken");
      },
      authority().issue());
  TestComponent component(tlsOptionsFor(server.port()), true);
  REQUIRE(component.gets(1));
  component->stopReading();
  component.answerKept();
  component->close(kPatience);
  CHECK_THAT(seen.take(), ContainsSubstring("id='1'") && Catch::Matchers::EndsWith("</stream:stream>"));
  CHECK(seen.take() == "open");
}
