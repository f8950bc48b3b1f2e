#include "SessionFixture.h"
#include "p2/http/Route.h"
#include "support/LoopbackAddress.h"

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <vector>

using namespace std::chrono_literals;
using namespace p2::test;
using p2::http::Address;
using p2::http::Fault;
using p2::http::HttpsSession;
using p2::http::Route;

namespace {

using Peer = TlsServer::Peer;

std::shared_ptr<Route> routeTo(std::vector<Address> addresses) {
  return std::make_shared<Route>(
      [addresses = std::move(addresses)](const std::string&, std::uint16_t) { return addresses; });
}

HttpsSession::Options optionsVia(std::shared_ptr<Route> route) {
  auto made = options("https://localhost");
  made.timeout = 60s;
  made.connectTimeout = 30s;
  made.route = std::move(route);
  return made;
}

/// What may be wrong with one address of a service whose others are well.
struct Bad {
  std::string name;
  std::uint16_t port;
  Fault::Kind kind;  ///< Where it is the only one.
  /// How often it was asked, where it can be known.
  std::function<int()> connections;
};

/// One of each kind.
class BadServers {
 public:
  BadServers()
      : _silent([](int socket, int) { readToEnd(socket); }),
        _closing([](int socket, int) { ::shutdown(socket, SHUT_RDWR); }),
        _speaking([](int socket, int) {
          ::send(socket, "220 ready\r\n", 11, MSG_NOSIGNAL);
          readToEnd(socket);
        }),
        _expired(authority().issue({"DNS:localhost", true}), answerAll),
        _foreign(selfSigned(), answerAll),
        _other(authority().issue({"DNS:other.example", false}), answerAll) {}

  std::vector<Bad> all() {
    return {{"drops what comes", _deaf.port(), Fault::Kind::connect, {}},
            {"refuses", _refusing.port(), Fault::Kind::connect, {}},
            {"says nothing", _silent.port(), Fault::Kind::timeout, [this] { return _silent.connections(); }},
            {"closes", _closing.port(), Fault::Kind::tls, [this] { return _closing.connections(); }},
            {"does not speak TLS", _speaking.port(), Fault::Kind::tls,
             [this] { return _speaking.connections(); }},
            {"expired", _expired.port(), Fault::Kind::tls, [this] { return _expired.connections(); }},
            {"not trusted", _foreign.port(), Fault::Kind::tls, [this] { return _foreign.connections(); }},
            {"of another name", _other.port(), Fault::Kind::tls, [this] { return _other.connections(); }}};
  }

 private:
  static void readToEnd(int socket) {
    char byte = 0;
    while (::recv(socket, &byte, 1, 0) > 0) {
    }
  }

  DeafServer _deaf;
  RefusingPort _refusing;
  LoopbackServer _silent, _closing, _speaking;
  TlsServer _expired, _foreign, _other;
};

}  // namespace

TEST_CASE("One address of a service that is of no use is passed over, and remembered") {
  BadServers servers;
  for (const Bad& bad : servers.all()) {
    CAPTURE(bad.name);
    TlsServer good(authority().issue(), answerAll);
    const auto route = routeTo({at(bad.port), at(good.port())});
    auto made = optionsVia(route);
    if (bad.kind == Fault::Kind::timeout) made.connectTimeout = 500ms;
    const int before = bad.connections ? bad.connections() : 0;
    for (int n = 1; n <= 3; ++n) {
      HttpsSession session(made, context());
      CHECK(statusOf(post(session)) == 200);
      CHECK(good.connections() == n);
      CHECK(route->addresses("localhost", 443).front() == at(good.port()));
    }
    if (bad.connections) CHECK(bad.connections() == before + 1);
  }
}

TEST_CASE("Where every address is of no use, the fault tells the most that is known") {
  BadServers servers;
  const auto all = servers.all();
  const auto kindOf = [&](const Bad& first, const Bad& second, std::chrono::milliseconds connectTimeout) {
    CAPTURE(first.name, second.name);
    auto made = optionsVia(routeTo({at(first.port), at(second.port)}));
    made.connectTimeout = connectTimeout;
    HttpsSession session(made, context());
    return faultOf(post(session)).kind;
  };
  // The first of all can only be waited for.
  CHECK(kindOf(all[0], all[1], 50ms) == Fault::Kind::connect);
  CHECK(kindOf(all[1], all[0], 50ms) == Fault::Kind::connect);
  for (std::size_t i = 1; i < all.size(); ++i) {
    for (std::size_t j = 1; j < all.size(); ++j) {
      if (all[i].kind == Fault::Kind::timeout || all[j].kind == Fault::Kind::timeout) continue;
      CAPTURE(all[i].name, all[j].name);
      const bool connected = all[i].kind == Fault::Kind::tls || all[j].kind == Fault::Kind::tls;
      CHECK(kindOf(all[i], all[j], 60s) == (connected ? Fault::Kind::tls : Fault::Kind::connect));
    }
  }
}

TEST_CASE("Addresses that say nothing do not outlast the timeout, however many they are") {
  const LoopbackServer silent([](int socket, int) {
    char byte = 0;
    while (::recv(socket, &byte, 1, 0) > 0) {
    }
  });
  auto made = optionsVia(routeTo({at(silent.port()), at(silent.port()), at(silent.port())}));
  made.timeout = 300ms;
  made.connectTimeout = 60s;
  HttpsSession session(made, context());
  CHECK(faultOf(post(session)).kind == Fault::Kind::timeout);
}

TEST_CASE("TLS resumes in another session that shares the route") {
  std::atomic<int> resumed{0};
  TlsServer server(authority().issue(), [&](Peer& peer, int) {
    resumed += peer.resumed() ? 1 : 0;
    answerAll(peer, 0);
  });
  const auto route = routeTo({at(server.port())});
  for (int n = 0; n < 3; ++n) {
    HttpsSession session(optionsVia(route), context());
    CHECK(statusOf(post(session)) == 200);
  }
  CHECK(resumed == 2);
  HttpsSession apart(optionsVia(routeTo({at(server.port())})), context());
  CHECK(statusOf(post(apart)) == 200);
  CHECK(resumed == 2);
}

TEST_CASE("A kept connection on which nothing arrives any more is replaced once, long before the timeout") {
  // To the sender, a peer that takes nothing is one that acknowledges nothing.
  const std::string large(300000, 'x');
  TlsServer server(authority().issue(), [&](Peer& peer, int connection) {
    for (int n = 1; connection > 1 || n == 1; ++n) {
      if (!peer.readRequest()) return;
      peer.answer("200 OK", std::to_string(connection));
    }
    peer.narrow();
    peer.ignore();
  });
  auto made = optionsVia(routeTo({at(server.port())}));
  made.userTimeout = 1s;
  HttpsSession session(made, context());
  REQUIRE(statusOf(post(session)) == 200);
  const auto result = post(session, large);
  REQUIRE(statusOf(result) == 200);
  CHECK(std::get<p2::http::Response>(result).body == "2");
  CHECK(server.connections() == 2);
}
