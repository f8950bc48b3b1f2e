#include "ComponentFixture.h"
#include "ScriptedServer.h"
#include "support/Catch.h"

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

using namespace p2::test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("The handshake is the SHA-1 of the stream's id and the secret") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    seen.put(peer.openStream("3BF96D32"));
    peer.send("<handshake/>");
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  CHECK(seen.take() == "<handshake>8b6b31f47dce66a64f2bf9df04dc0cc15ede1806</handshake>");
  CHECK(component.reaches(State::connected));
  CHECK(component->status().lastFault.empty());
}

TEST_CASE("The stream is opened as XEP-0114 asks, and an id with an entity is understood") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    seen.put(peer.await("'>"));
    peer.send("<stream:stream xmlns:stream='http://etherx.jabber.org/streams' id='a&amp;b'>");
    seen.put(peer.await("</handshake>"));
  });
  TestComponent component(optionsFor(server.port()));
  CHECK(seen.take() ==
        "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
        "xmlns:stream='http://etherx.jabber.org/streams' to='push.example.org'>");
  CHECK(seen.take() == "<handshake>0d7f7c3db5f9a62466f54a1fda61ed97b7a98562</handshake>");
}

TEST_CASE("A wrong secret is named as such, and not shown") {
  ScriptedServer server([](Peer& peer, int) {
    peer.openStream();
    peer.fail("not-authorized");
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  const auto fault = component.fault();
  CHECK_THAT(fault, ContainsSubstring("refuses the shared secret") && ContainsSubstring("xmpp.sharedSecret"));
  CHECK_THAT(fault, !ContainsSubstring("a-secret"));
  CHECK(component->status().state == State::connecting);
}

TEST_CASE("A server that takes the connection and stays silent is given up") {
  ScriptedServer server([](Peer& peer, int) { peer.awaitEnd(); });
  auto options = optionsFor(server.port());
  options.handshakeTimeout = 50ms;
  TestComponent component(options);
  CHECK_THAT(component.fault(), ContainsSubstring("did not finish the component handshake within 1 s"));
}

TEST_CASE("A server that trickles instead of opening the stream is given up as well") {
  ScriptedServer server([](Peer& peer, int) {
    peer.await("'>");
    while (!peer.stirsWithin(5ms)) peer.send(" ");
  });
  auto options = optionsFor(server.port());
  options.handshakeTimeout = 100ms;
  TestComponent component(options);
  CHECK_THAT(component.fault(), ContainsSubstring("did not finish the component handshake"));
}

TEST_CASE("What does not speak XMPP is named as such") {
  const auto [words, expected] = GENERATE(table<std::string, std::string>({
      {"SSH-2.0-OpenSSH_9.2p1\r\n<html>", "does not speak XMPP"},
      {"<html><body></body></html>", "does not speak XMPP"},
      {"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>",
       "without an id"},
      {"", "closed the connection before the handshake"},
  }));
  ScriptedServer server([said = words](Peer& peer, int) {
    peer.await("'>");
    peer.send(said);
    if (!said.empty()) peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  CHECK_THAT(component.fault(), ContainsSubstring(expected) && ContainsSubstring("xmpp.port"));
}

TEST_CASE("A server that goes silent is pinged and then given up") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    seen.put(peer.await("</iq>"));
    seen.put(peer.awaitEnd());
  });
  auto options = optionsFor(server.port());
  options.pingInterval = 20ms;
  options.deadAfter = 200ms;
  options.pingId = "7f";
  TestComponent component(options);
  CHECK(seen.take() ==
        "<iq type='get' id='p2-ping-7f-1' from='push.example.org' to='push.example.org'>"
        "<ping xmlns='urn:xmpp:ping'/></iq>");
  CHECK_THAT(seen.take(), ContainsSubstring("'p2-ping-7f-2'"));
  CHECK_THAT(component.fault(),
             ContainsSubstring("has not sent anything for 1 s, not even answers to pings"));
}

TEST_CASE("A server that is never silent is pinged as well, so that others of the name see the pings") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    std::string received;
    while (count(received, "<ping ") < 3 && peer.send(" ")) {
      if (peer.stirsWithin(1ms)) received += peer.await("</iq>");
    }
    seen.put(received);
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.pingInterval = 50ms;
  TestComponent component(options);
  CHECK_THAT(seen.take(), ContainsSubstring("p2-ping-0-1") && ContainsSubstring("p2-ping-0-3"));
}

TEST_CASE("A ping of the component's own name that it has not sent is another's, and nothing else is") {
  struct Row {
    std::string id, from, payload;
    bool isOthers;
  };
  const auto row = GENERATE(values<Row>({
      {"p2-ping-8e-1", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", true},
      {"p2-ping-1", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", true},
      {"p2-ping-7f", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", true},
      {"p2-ping-8e-1", "Push.Example.org/p2", "<ping xmlns='urn:xmpp:ping'/>", true},
      {"p2-ping-7f-1", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", false},
      {"p2-ping-7f-900", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", false},
      {"x", "push.example.org", "<ping xmlns='urn:xmpp:ping'/>", false},
      {"p2-ping-8e-1", "example.org", "<ping xmlns='urn:xmpp:ping'/>", false},
      {"p2-ping-8e-1", "a@push.example.net", "<ping xmlns='urn:xmpp:ping'/>", false},
      {"p2-ping-8e-1", "push.example.org", "<query xmlns='jabber:iq:version'/>", false},
  }));
  CAPTURE(row.id, row.from, row.payload);
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send("<iq type='get' id='" + row.id + "' from='" + row.from + "' to='push.example.org'>" +
              row.payload + "</iq>");
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.pingId = "7f";
  std::atomic<int> others{0};
  options.onOther = [&others] { ++others; };
  TestComponent component(options);
  REQUIRE(component.gets(1));
  CHECK(others == (row.isOthers ? 1 : 0));
  CHECK(component.handedOut() == std::vector<std::string>{row.id});
}

TEST_CASE("White space is a sign of life") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    for (int i = 0; i < 20; ++i) {
      if (peer.await("</iq>").empty()) return;
      peer.send(" ");
    }
    seen.put("alive");
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.pingInterval = 100ms;
  options.deadAfter = 1500ms;
  TestComponent component(options);
  CHECK(seen.take() == "alive");
  CHECK(server.connections() == 1);
  CHECK(component->status().state == State::connected);
}

TEST_CASE("A server that closes the stream gets its end in turn, and is connected to again") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int connection) {
    peer.open();
    if (connection == 1) peer.send(kStreamEnd);
    seen.put(peer.awaitEnd());
  });
  TestComponent component(optionsFor(server.port()));
  CHECK(seen.take() == kStreamEnd);
  CHECK(component.reaches(State::connecting));
  CHECK(component.reaches(State::connected, 2));
}

TEST_CASE("A stream that ends, however it does, is opened again, and the reason kept until then") {
  Mailbox mayGoOn;
  const auto reason = [&](const ScriptedServer::Script& end) {
    ScriptedServer server([&](Peer& peer, int connection) {
      if (connection > 1) mayGoOn.take();
      peer.open();
      if (connection > 1) {
        peer.awaitEnd();
      } else {
        end(peer, connection);
      }
    });
    TestComponent component(optionsFor(server.port()));
    const auto fault = component.fault();
    mayGoOn.put("go on");
    CHECK(component.reaches(State::connected, 2));
    return fault;
  };
  CHECK_THAT(reason([](Peer& peer, int) { peer.send(kStreamEnd); }), ContainsSubstring("closed the stream"));
  CHECK_THAT(reason([](Peer&, int) {}), ContainsSubstring("closed the connection"));
  CHECK_THAT(reason([](Peer& peer, int) { peer.reset(); }), ContainsSubstring("broke: Connection reset"));
  CHECK_THAT(reason([](Peer& peer, int) { peer.fail("system-shutdown"); }), ContainsSubstring("shuts down"));
  CHECK_THAT(reason([](Peer& peer, int) {
               peer.send("<!-- no -->");
               peer.awaitEnd();
             }),
             ContainsSubstring("not allowed in a stream (restricted-xml"));
}

TEST_CASE("A server that breaks the rules is told which") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int connection) {
    peer.open();
    if (connection == 1) peer.send("<iq></iq>text");
    seen.put(peer.awaitEnd());
  });
  TestComponent component(optionsFor(server.port()));
  CHECK(seen.take() ==
        "<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        "</stream:stream>");
}

TEST_CASE("Every request is answered exactly once, however many come at a time") {
  constexpr std::size_t kRequests = 2000;
  std::string all;
  for (std::size_t i = 0; i < kRequests; ++i) all += requestStanza("r" + std::to_string(i));
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.exchange(all, [&](const std::string& got) { return count(got, "type='result'") >= kRequests; });
    peer.send(kStreamEnd);
    seen.put(peer.awaitEnd());
  });
  TestComponent component(optionsFor(server.port()), true);
  REQUIRE(component.gets(kRequests));
  component.answerKept();
  const std::string answers = seen.take();
  CHECK(count(answers, "<iq ") == kRequests);
  for (std::size_t i = 0; i < kRequests; ++i) {
    if (count(answers, "id='r" + std::to_string(i) + "'") != 1) FAIL("r" << i << " was not answered once");
  }
  CHECK(component.counter("p2_stanzas_sent_total") == kRequests);
}

TEST_CASE("Answers to requests of before a cut go into the next stream, once") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int connection) {
    peer.open();
    if (connection == 1) {
      peer.send(requestStanza("before"));
      seen.take();
      return;
    }
    const std::string first = peer.await("/>");
    peer.send(requestStanza("after"));
    seen.put(first + peer.await("/>"));
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()), true);
  REQUIRE(component.gets(1));
  seen.put("cut");
  REQUIRE(component.reaches(State::connecting));
  component.answerKept();
  REQUIRE(component.gets(2));
  component.answerKept();
  CHECK(seen.take() ==
        "<iq type='result' id='before' from='push.example.org' to='im.example.org'/>"
        "<iq type='result' id='after' from='push.example.org' to='im.example.org'/>");
}

TEST_CASE("Answers that nobody waits for any more are dropped") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int connection) {
    peer.openStream();
    if (connection == 1) {
      peer.send("<handshake/>" + requestStanza("before"));
      seen.take();
      return;
    }
    seen.take();              // The answer is on its way to nowhere,
    peer.stirsWithin(200ms);  // and so old now that it is of no use.
    peer.send("<handshake/>" + requestStanza("after"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.answerLifetime = 100ms;
  TestComponent component(options, true);
  REQUIRE(component.gets(1));
  seen.put("cut");
  REQUIRE(component.reaches(State::connecting));
  component.answerKept();
  seen.put("answered");
  REQUIRE(component.gets(2));
  component.answerKept();
  CHECK(seen.take() == "<iq type='result' id='after' from='push.example.org' to='im.example.org'/>");
  CHECK(component.counter("p2_answers_expired_total") == 1);
}

TEST_CASE("A server that sends requests and takes no answers is given up before they fill the memory") {
  const std::string longId(20000, 'x');
  ScriptedServer server([&](Peer& peer, int connection) {
    if (connection == 1) peer.narrow();
    peer.open();
    // Without reading a word of what comes back.
    while (connection == 1 && peer.send(requestStanza(longId))) {
    }
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.outboxCapacity = 100;
  options.writeTimeout = 200ms;
  TestComponent component(options);
  REQUIRE(component.reaches(State::connecting));
  CHECK(component->status().unsentAnswers <= 110);
  CHECK(component.reaches(State::connected, 2));
}

TEST_CASE(
    "A stanza that is too big is answered wait, on which no server drops a user, and the stream goes on") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send("<iq type='set' id='big' from='im.example.org' to='push.example.org'><x xmlns='y'>" +
              std::string(5000, 'z') + "</x></iq>" + requestStanza("small"));
    seen.put(peer.await("</iq>"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.limits.stanzaSize = 1000;
  TestComponent component(options);
  CHECK_THAT(seen.take(),
             ContainsSubstring("type='error' id='big' from='push.example.org' to='im.example.org'") &&
                 ContainsSubstring("<error type='wait'><internal-server-error ") &&
                 ContainsSubstring("This service does not read such a stanza: too big."));
  CHECK_THAT(seen.take(), ContainsSubstring("type='result' id='small'"));
  CHECK(component.handedOut() == std::vector<std::string>{"small"});
  CHECK(component.counter("p2_stanzas_refused_total") == 1);
}

TEST_CASE("A stanza that is not well-formed is answered wait, and the stream and all behind it goes on") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send(
        "<iq type='set' id='bad' from='im.example.org' to='push.example.org'><x:y/></iq>"
        "<iq type='result' id='answer' from='im.example.org' to='push.example.org'><x:y/></iq>"
        "<message id='note' from='im.example.org' to='push.example.org'><x:y/></message>" +
        requestStanza("good"));
    seen.put(peer.await("</iq>"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  CHECK_THAT(seen.take(),
             ContainsSubstring("type='error' id='bad' from='push.example.org' to='im.example.org'") &&
                 ContainsSubstring("<error type='wait'><internal-server-error ") &&
                 ContainsSubstring("This service does not read such a stanza: not well-formed."));
  CHECK_THAT(seen.take(), ContainsSubstring("type='result' id='good'"));
  CHECK(component.handedOut() == std::vector<std::string>{"good"});
  CHECK(server.connections() == 1);
  CHECK(component.counter("p2_stanzas_refused_total") == 3);
}

TEST_CASE("A message is handed over and not answered, unless it came to another name") {
  Mailbox seen;
  Mailbox messages;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send(
        "<message from='a.example' to='push.example.org'><notification xmlns='urn:xmpp:push2:0'/></message>"
        "<message from='b.example' to='other.example.org'><body>x</body></message>"
        "<presence from='c.example' to='push.example.org'/>" +
        requestStanza("ours"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.onMessage = [&](const p2::xmpp::Element& message) {
    messages.put(std::string(message.attribute("from")) + ' ' + message.children.at(0).name);
  };
  TestComponent component(options);
  CHECK_THAT(seen.take(), ContainsSubstring("type='result' id='ours'"));
  CHECK(messages.take() == "a.example notification");
  CHECK(component.handedOut() == std::vector<std::string>{"ours"});
}

TEST_CASE("What came to another name is not answered, for that would end the stream") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send("<iq type='set' id='big' from='im.example.org' to='other.example.org'><x xmlns='y'>" +
              std::string(5000, 'z') +
              "</x></iq><iq type='set' id='odd' from='im.example.org' to='@'><x/></iq>" +
              "<iq type='set' id='small' from='im.example.org' to='other.example.org'><x xmlns='y'/></iq>" +
              requestStanza("ours"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  auto options = optionsFor(server.port());
  options.limits.stanzaSize = 1000;
  TestComponent component(options);
  CHECK_THAT(seen.take(), ContainsSubstring("type='result' id='ours'"));
  CHECK(component.handedOut() == std::vector<std::string>{"ours"});
}

TEST_CASE("What is no request is not handed out") {
  Mailbox seen;
  ScriptedServer server([&](Peer& peer, int) {
    peer.open();
    peer.send(
        "<message from='a@b' to='push.example.org'><body>hi</body></message>"
        "<presence from='a@b' to='push.example.org'/><handshake/>"
        "<iq type='result' id='1' from='a@b' to='push.example.org'/>"
        "<iq type='get' from='a@b' to='push.example.org'><x xmlns='y'/></iq>" +
        requestStanza("real"));
    seen.put(peer.await("/>"));
    peer.awaitEnd();
  });
  TestComponent component(optionsFor(server.port()));
  CHECK_THAT(seen.take(), ContainsSubstring("id='real'"));
  CHECK(component.handedOut() == std::vector<std::string>{"real"});
}
