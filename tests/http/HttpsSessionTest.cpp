#include "SessionFixture.h"
#include "p2/core/Guarded.h"
#include "p2/core/Version.h"
#include "p2/http/HttpsSession.h"
#include "support/Eventually.h"
#include "support/JumpingClock.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>

using namespace std::chrono_literals;
using namespace p2::test;
using p2::core::Clock;
using p2::http::Fault;
using p2::http::HttpsSession;
using p2::http::Response;

namespace {

using Peer = TlsServer::Peer;

/// What a session gets from a server that behaves as `handle` says, once.
HttpsSession::Result postTo(TlsServer::Handler handle, std::chrono::milliseconds timeout = 10s) {
  TlsServer server(authority().issue(), std::move(handle));
  auto made = options(server.url());
  made.timeout = timeout;
  HttpsSession session(made, context());
  return post(session);
}

}  // namespace

TEST_CASE("A request arrives whole and its answer comes back whole") {
  p2::core::Guarded<std::string> received;
  TlsServer server(authority().issue(), [&](Peer& peer, int) {
    const std::string request = peer.readRequest().value_or("");
    received.with([&](std::string& text) { text = request; });
    peer.answer("429 Too Many Requests", R"({"error":1})",
                "Retry-After: 30\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    peer.waitForClose();
  });
  HttpsSession session(options(server.url()), context());
  const auto result =
      session.post("/v1/x?y=z", {{"Authorization", "Bearer t"}, {"Content-Type", "application/json"}},
                   R"({"a":"b"})", Clock::TimePoint::max());
  REQUIRE(statusOf(result) == 429);
  const auto& response = std::get<Response>(result);
  CHECK(response.body == R"({"error":1})");
  CHECK(response.retryAfter == "30");
  CHECK(response.date == "Sun, 06 Nov 1994 08:49:37 GMT");

  const std::string seen = received.with([](const std::string& text) { return text; });
  CHECK(seen.starts_with("POST /v1/x?y=z HTTP/1.1\r\n"));
  CHECK(seen.find("\r\nHost: localhost:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
  CHECK(seen.find("\r\nAuthorization: Bearer t\r\n") != std::string::npos);
  CHECK(seen.find("\r\nContent-Length: 9\r\n") != std::string::npos);
  CHECK(seen.find("\r\nUser-Agent: p2/" + std::string(p2::core::kVersion) + "\r\n") != std::string::npos);
  CHECK(seen.find("\r\nAccept-Encoding: identity\r\n") != std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n{\"a\":\"b\"}"));
}

TEST_CASE("A connection is kept for many requests, with the body read to its end") {
  TlsServer server(authority().issue(), [](Peer& peer, int) {
    for (int n = 0; peer.readRequest(); ++n) {
      if (n % 2 == 0) {
        peer.answer("200 OK", std::string(60000, 'x'));
      } else {
        peer.write(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
      }
    }
  });
  HttpsSession session(options(server.url()), context());
  for (int n = 0; n < 20; ++n) {
    const auto result = post(session);
    REQUIRE(statusOf(result) == 200);
    CHECK(std::get<Response>(result).body == (n % 2 == 0 ? std::string(60000, 'x') : "abcdefg"));
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("A server that says Connection: close gets a new connection, and TLS resumes") {
  std::atomic<int> resumed{0};
  TlsServer server(authority().issue(), [&](Peer& peer, int) {
    resumed += peer.resumed() ? 1 : 0;
    if (peer.readRequest()) peer.answer("200 OK", "", "Connection: close\r\n");
    peer.shutdown();
    peer.waitForClose();
  });
  HttpsSession session(options(server.url()), context());
  for (int n = 0; n < 3; ++n) CHECK(statusOf(post(session)) == 200);
  CHECK(server.connections() == 3);
  CHECK(resumed == 2);
}

TEST_CASE("A connection past its idle or age limit is not used again") {
  TlsServer server(authority().issue(), answerAll);
  JumpingClock clock;
  const bool age = GENERATE(false, true);
  auto made = options(server.url());
  made.clock = &clock;
  HttpsSession session(made, context());
  REQUIRE(statusOf(post(session)) == 200);
  for (int minute = 1; minute <= (age ? 49 : 1); ++minute) {
    clock.jump(1min);
    REQUIRE(statusOf(post(session)) == 200);
  }
  CHECK(server.connections() == 1);
  clock.jump(age ? 60s : 100s);
  CHECK(statusOf(post(session)) == 200);
  CHECK(server.connections() == 2);
}

TEST_CASE("A kept connection that closes before the first byte of an answer is replaced once") {
  const bool inGoodOrder = GENERATE(false, true);
  std::atomic<int> requests{0};
  TlsServer server(authority().issue(), [&](Peer& peer, int connection) {
    while (peer.readRequest()) {
      if (++requests == 2) break;
      peer.answer("200 OK", std::to_string(connection));
    }
    if (inGoodOrder) peer.shutdown();
  });
  HttpsSession session(options(server.url()), context());
  CHECK(std::get<Response>(post(session)).body == "1");
  CHECK(std::get<Response>(post(session)).body == "2");
  CHECK(requests == 3);
}

TEST_CASE("A kept connection that closed long ago is replaced without loss") {
  std::atomic<bool> gone{false};
  TlsServer server(authority().issue(), [&](Peer& peer, int connection) {
    if (peer.readRequest()) peer.answer("200 OK", std::to_string(connection));
    if (connection == 1) {
      peer.shutdown();
      gone = true;
      return;
    }
    peer.waitForClose();
  });
  HttpsSession session(options(server.url()), context());
  CHECK(std::get<Response>(post(session)).body == "1");
  REQUIRE(eventually([&] { return gone.load(); }));
  CHECK(std::get<Response>(post(session, std::string(30000, 'x'))).body == "2");
}

TEST_CASE("A request is not repeated on a fresh connection, nor after a byte of the answer") {
  SECTION("closed before the answer, on a fresh connection") {
    std::atomic<int> requests{0};
    CHECK(faultOf(postTo([&](Peer& peer, int) {
            if (peer.readRequest()) ++requests;
          })).kind == Fault::Kind::closed);
    CHECK(requests == 1);
  }
  SECTION("closed in the middle of the answer, on a kept connection") {
    std::atomic<int> requests{0};
    TlsServer server(authority().issue(), [&](Peer& peer, int) {
      while (peer.readRequest()) {
        if (++requests == 2) {
          peer.write("H");
          return;
        }
        peer.answer("200 OK", "");
      }
    });
    HttpsSession session(options(server.url()), context());
    CHECK(statusOf(post(session)) == 200);
    CHECK(faultOf(post(session)).kind == Fault::Kind::closed);
    CHECK(requests == 2);
    CHECK(statusOf(post(session)) == 200);
  }
  SECTION("closed before the answer on the replacement as well") {
    std::atomic<int> requests{0};
    TlsServer server(authority().issue(), [&](Peer& peer, int connection) {
      while (peer.readRequest()) {
        ++requests;
        if (connection > 1 || requests > 1) return;
        peer.answer("200 OK", "");
      }
    });
    HttpsSession session(options(server.url()), context());
    CHECK(statusOf(post(session)) == 200);
    CHECK(faultOf(post(session)).kind == Fault::Kind::closed);
    CHECK(requests == 3);
  }
}

TEST_CASE("An answer that is cut is a fault, wherever it is cut") {
  const std::string fixed = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012345678";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r";
  for (const std::string& answer : {fixed, chunked}) {
    for (std::size_t length = 1; length <= answer.size(); length += 7) {
      CAPTURE(answer, length);
      CHECK(faultOf(postTo([&](Peer& peer, int) {
              peer.readRequest();
              peer.write(answer.substr(0, length));
              peer.shutdown();
            })).kind == Fault::Kind::closed);
    }
  }
}

TEST_CASE("Success with an odd end is an answer that says so, and ends the connection") {
  struct Case {
    std::string rest;
    bool closes;
    std::string body;
    std::optional<Fault::Kind> cut;
  };
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<Case> cases{
      {chunked + "2\r\n{}\r\n0\r\n", true, "{}", Fault::Kind::closed},
      {chunked + "2\r\n{}\r\n", true, "{}", Fault::Kind::closed},
      {chunked + "2\r\n{}xx", false, "{}", Fault::Kind::malformed},
      {chunked + "what?", false, "", Fault::Kind::malformed},
      {chunked + "fffff\r\n", false, "", Fault::Kind::tooLarge},
      {"Content-Length: 10\r\n\r\n{}", true, "{}", Fault::Kind::closed},
      {"Content-Length: 1000000\r\n\r\n{}", false, "", Fault::Kind::tooLarge},
      {"\r\n{}", true, "{}", std::nullopt},
      {chunked + "2\r\n{}\r\n0\r\n\r\nmore", false, "{}", std::nullopt},
  };
  for (const auto& [rest, closes, body, cut] : cases) {
    CAPTURE(rest);
    TlsServer server(authority().issue(), [&, text = rest, ends = closes](Peer& peer, int) {
      while (peer.readRequest()) {
        peer.write("HTTP/1.1 200 OK\r\n" + text);
        if (ends) return peer.shutdown();
      }
    });
    HttpsSession session(options(server.url()), context());
    for (int n = 1; n <= 2; ++n) {
      const auto result = post(session);
      REQUIRE(statusOf(result) == 200);
      const auto& response = std::get<Response>(result);
      CHECK(response.body == body);
      CHECK(response.cut.has_value() == cut.has_value());
      if (response.cut && cut) CHECK(response.cut->kind == *cut);
      CHECK(server.connections() == n);
    }
  }
}

TEST_CASE("An answer without success that is cut is none") {
  TlsServer server(authority().issue(), [&](Peer& peer, int) {
    peer.readRequest();
    peer.write("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n");
    peer.shutdown();
  });
  HttpsSession session(options(server.url()), context());
  const auto result = post(session);
  REQUIRE(std::holds_alternative<Fault>(result));
  CHECK(std::get<Fault>(result).kind == Fault::Kind::closed);
}

TEST_CASE("Chunks, trailers and the end may come in records of their own") {
  const std::vector<std::string> pieces{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                        "3",
                                        "\r\n",
                                        "ab",
                                        "c\r",
                                        "\n0;x\r\n",
                                        "Trailer: one\r\n",
                                        "Trailer: two\r\n",
                                        "\r",
                                        "\n"};
  TlsServer server(authority().issue(), [&](Peer& peer, int) {
    while (peer.readRequest()) {
      for (const auto& piece : pieces) peer.write(piece);
    }
  });
  HttpsSession session(options(server.url()), context());
  for (int n = 0; n < 3; ++n) {
    const auto result = post(session);
    REQUIRE(statusOf(result) == 200);
    CHECK(std::get<Response>(result).body == "abc");
    CHECK_FALSE(std::get<Response>(result).cut);
  }
  CHECK(server.connections() == 1);
}

TEST_CASE("A peer that is silent or trickles does not outlast the timeout") {
  const auto handle = GENERATE(
      as<TlsServer::Handler>(),
      [](Peer& peer, int) {
        peer.readRequest();
        peer.waitForClose();
      },
      [](Peer& peer, int) {
        peer.readRequest();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
        while (!peer.closedWithin(5ms)) peer.write("x");
      },
      [](Peer& peer, int) {
        peer.readRequest();
        peer.write("HTTP/1.1 200 OK\r\nX: ");
        while (!peer.closedWithin(5ms)) peer.write("x");
      },
      [](Peer& peer, int) {
        peer.readRequest();
        while (!peer.closedWithin(1ms)) peer.write("HTTP/1.1 100 Continue\r\n\r\n");
      },
      [](Peer& peer, int) {
        peer.readRequest();
        peer.writeBelowTls("\x17\x03\x03\x3f\xff");  // the header of a record of 16 KiB
        while (!peer.closedWithin(5ms)) peer.writeBelowTls("x");
      });
  const auto begin = std::chrono::steady_clock::now();
  const Fault fault = faultOf(postTo(handle, 150ms));
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(fault.kind == Fault::Kind::timeout);
  CHECK(fault.text == "localhost did not answer in time.");
  CHECK(took >= 140ms);
  CHECK(took < 5s);
}

TEST_CASE("A peer that never finishes the TLS handshake does not outlast the timeout") {
  const p2::test::LoopbackServer server([](int socket, int) {
    const std::array<unsigned char, 5> recordHeader{0x16, 3, 3, 0x3f, 0xff};
    ::send(socket, recordHeader.data(), recordHeader.size(), MSG_NOSIGNAL);
    std::array<char, 4096> buffer{};
    ::recv(socket, buffer.data(), buffer.size(), 0);
    pollfd entry{socket, POLLIN, 0};
    while (::poll(&entry, 1, 5) == 0 && ::send(socket, "\2", 1, MSG_NOSIGNAL) == 1) {
    }
  });
  auto made = options("https://localhost:" + std::to_string(server.port()));
  made.timeout = 150ms;
  HttpsSession session(made, context());
  CHECK(faultOf(post(session)).kind == Fault::Kind::timeout);
}

TEST_CASE("A wait of seconds ends with the answer or at the timeout") {
  const auto answerAfter = [](std::chrono::milliseconds delay) {
    return [delay](Peer& peer, int) {
      peer.readRequest();
      if (!peer.closedWithin(delay)) peer.answer("200 OK", "{}");
      peer.waitForClose();
    };
  };
  CHECK(statusOf(postTo(answerAfter(1100ms))) == 200);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(faultOf(postTo(answerAfter(10s), 1200ms)).kind == Fault::Kind::timeout);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= 1190ms);
  CHECK(took < 5s);
}

TEST_CASE("The deadline of the caller counts when it comes first") {
  TlsServer server(authority().issue(), [](Peer& peer, int) {
    peer.readRequest();
    peer.waitForClose();
  });
  HttpsSession session(options(server.url()), context());
  const auto begin = std::chrono::steady_clock::now();
  CHECK(faultOf(session.post("/", {}, "", begin + 1s)).kind == Fault::Kind::timeout);
  CHECK(faultOf(session.post("/", {}, "", begin)).kind == Fault::Kind::connect);
  CHECK(std::chrono::steady_clock::now() - begin < 8s);
}

TEST_CASE("An answer that is not HTTP is a fault") {
  for (const std::string& garbage :
       {std::string("\0\1\2\3 garbage\r\n\r\n", 15), std::string("220 mail.example.org ESMTP\r\n\r\n"),
        std::string("HTTP/1.1 OK fine\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\n") + std::string(20000, 'h') + "\r\n",
        std::string("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")}) {
    CAPTURE(garbage.substr(0, 60));
    CHECK(faultOf(postTo([&](Peer& peer, int) {
            peer.readRequest();
            peer.write(garbage);
            peer.waitForClose();
          })).kind == Fault::Kind::malformed);
  }
}

TEST_CASE("An answer that is too large is refused without reading it all") {
  const std::string head = GENERATE(as<std::string>(), "Content-Length: 1000000000\r\n\r\n",
                                    "Transfer-Encoding: chunked\r\n\r\n7ffffff\r\n", "\r\n", "X: ");
  const Fault fault = faultOf(postTo([&](Peer& peer, int) {
    peer.readRequest();
    peer.write("HTTP/1.1 200 OK\r\n" + head);
    const std::string block = "X: " + std::string(4000, 'x') + "\r\n";
    for (int n = 0; n < 100 && !peer.closedWithin(0ms); ++n) peer.write(block);
  }));
  CHECK(fault.kind == (head == "X: " ? Fault::Kind::malformed : Fault::Kind::tooLarge));
}

TEST_CASE(
    "What nobody asked for ends a kept connection and answers nothing, whatever it is and whenever it "
    "comes") {
  enum class Moment { inTheRecord, inTheSegment, inASegment, whileIdle };
  struct Form {
    std::string name;
    std::string text;
    std::function<void(Peer&)> after;
    bool keeps;
  };
  const auto nothing = [](Peer&) {};
  const std::vector<Form> forms{
      {"an answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", nothing, false},
      {"two answers",
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", nothing,
       false},
      {"a part of an answer", "HTTP/1.1 404 Not", nothing, false},
      {"an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", nothing, false},
      {"an empty line", "\r\n", nothing, false},
      {"a byte", "x", nothing, false},
      {"16 KiB", std::string(16384, 'x'), nothing, false},
      {"an answer and the end", "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
       [](Peer& peer) { peer.shutdown(); }, false},
      {"the end of TLS", "", [](Peer& peer) { peer.shutdown(); }, false},
      {"the end of TCP", "", [](Peer& peer) { peer.shutdownBelowTls(); }, false},
      {"bytes that are not TLS", "", [](Peer& peer) { peer.writeBelowTls("garbage"); }, false},
      {"a ticket", "", [](Peer& peer) { peer.sendTicket(); }, true},
      {"nothing", "", nothing, true},
  };
  for (const auto& form : forms) {
    for (const Moment moment :
         {Moment::inTheRecord, Moment::inTheSegment, Moment::inASegment, Moment::whileIdle}) {
      CAPTURE(form.name, static_cast<int>(moment));
      std::atomic<int> answersRead{0}, surplusSent{0};
      TlsServer server(authority().issue(), [&](Peer& peer, int) {
        while (const auto request = peer.readRequest()) {
          const std::string body = request->substr(request->find("\r\n\r\n") + 4);
          const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body;
          const auto surplus = [&] {
            if (!form.text.empty()) peer.write(form.text);
            form.after(peer);
          };
          switch (moment) {
            case Moment::inTheRecord:
              peer.write(answer + form.text);
              form.after(peer);
              break;
            case Moment::inTheSegment:
              peer.inOneSegment([&] {
                peer.write(answer);
                surplus();
              });
              break;
            case Moment::inASegment:
              peer.write(answer);
              surplus();
              break;
            case Moment::whileIdle:
              peer.write(answer);
              eventually([&] { return answersRead.load() == std::stoi(body); });
              surplus();
              break;
          }
          ++surplusSent;
        }
      });
      HttpsSession session(options(server.url()), context());
      for (int n = 1; n <= 4; ++n) {
        const auto result = post(session, std::to_string(n));
        REQUIRE(statusOf(result) == 200);
        CHECK(std::get<Response>(result).body == std::to_string(n));
        answersRead = n;
        // On loopback, what was sent is there.
        REQUIRE(eventually([&] { return surplusSent.load() == n; }));
      }
      CHECK(server.connections() == (form.keeps ? 1 : 4));
    }
  }
}

TEST_CASE("A redirect is an answer, not followed") {
  TlsServer server(authority().issue(), [](Peer& peer, int) {
    while (peer.readRequest()) peer.answer("302 Found", "", "Location: https://localhost/elsewhere\r\n");
  });
  HttpsSession session(options(server.url()), context());
  CHECK(statusOf(post(session)) == 302);
  CHECK(server.connections() == 1);
}

TEST_CASE("Certificates that do not prove the host are refused in words") {
  struct Case {
    p2::test::Identity identity;
    std::string host;
    std::string reason;
  };
  std::vector<Case> cases;
  cases.push_back(
      {authority().issue({"DNS:other.example,IP:127.0.0.2", false}), "localhost", "another host name"});
  cases.push_back(
      {authority().issue({"DNS:other.example,IP:127.0.0.2", false}), "127.0.0.1", "another host name"});
  cases.push_back({authority().issue({"DNS:localhost", true}), "localhost", "certificate has expired"});
  cases.push_back({p2::test::selfSigned(), "localhost", "fcm.caFile"});
  cases.push_back({p2::test::Authority().issue(), "localhost", "fcm.caFile"});
  for (auto& [identity, host, reason] : cases) {
    std::atomic<int> requests{0};
    TlsServer server(std::move(identity), [&](Peer& peer, int) {
      if (peer.readRequest()) ++requests;
    });
    HttpsSession session(options(server.url(host)), context());
    const Fault fault = faultOf(post(session));
    CAPTURE(fault.text);
    CHECK(fault.kind == Fault::Kind::tls);
    CHECK(fault.text.find(host) != std::string::npos);
    CHECK(fault.text.find(reason) != std::string::npos);
    CHECK(requests == 0);
  }
}

TEST_CASE("A refused certificate does not spoil the thread's next connection") {
  TlsServer bad(p2::test::selfSigned(), answerAll);
  TlsServer good(authority().issue(), answerAll);
  HttpsSession toBad(options(bad.url()), context());
  HttpsSession toGood(options(good.url("127.0.0.1")), context());
  for (int n = 0; n < 3; ++n) {
    CHECK(faultOf(post(toBad)).kind == Fault::Kind::tls);
    CHECK(statusOf(post(toGood)) == 200);
  }
  CHECK(good.connections() == 1);
}

TEST_CASE("A host that cannot be reached is named with the reason") {
  SECTION("nobody listens") {
    std::uint16_t port = 0;
    {
      port = p2::test::LoopbackServer([](int, int) {}).port();
    }
    HttpsSession session(options("https://localhost:" + std::to_string(port)), context());
    const Fault fault = faultOf(post(session));
    CHECK(fault.kind == Fault::Kind::connect);
    CHECK(fault.text.find("Cannot connect to localhost: Connection refused") != std::string::npos);
  }
  SECTION("the name does not exist") {
    HttpsSession session(options("https://does-not-exist.invalid"), context());
    const Fault fault = faultOf(post(session));
    CHECK(fault.kind == Fault::Kind::resolve);
    CHECK(fault.text.find("does-not-exist.invalid") != std::string::npos);
  }
  SECTION("it does not speak TLS") {
    const p2::test::LoopbackServer server([](int socket, int) {
      const std::string_view greeting = "SSH-2.0-OpenSSH_9.2p1 and more of it\r\n";
      ::send(socket, greeting.data(), greeting.size(), MSG_NOSIGNAL);
      std::array<char, 4096> buffer{};
      while (::recv(socket, buffer.data(), buffer.size(), 0) > 0) {
      }
    });
    HttpsSession session(options("https://localhost:" + std::to_string(server.port())), context());
    CHECK(faultOf(post(session)).kind == Fault::Kind::tls);
  }
  SECTION("it closes after accepting") {
    const p2::test::LoopbackServer server([](int socket, int) { ::shutdown(socket, SHUT_RDWR); });
    HttpsSession session(options("https://localhost:" + std::to_string(server.port())), context());
    const Fault fault = faultOf(post(session));
    CHECK(fault.kind == Fault::Kind::tls);
    CHECK(server.connections() == 1);
  }
}
