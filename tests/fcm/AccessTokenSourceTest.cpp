#include "TestAccount.h"
#include "p2/fcm/AccessTokenSource.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/Has.h"
#include "support/JumpingClock.h"
#include "support/TlsServer.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;
using namespace p2::fcm;
using p2::core::Clock;
using p2::core::Secret;
using p2::test::eventually;
using p2::test::has;
using p2::test::TlsServer;

namespace {

using Peer = TlsServer::Peer;

/// A token endpoint that counts its requests.
class Endpoint {
 public:
  /// `answer(peer, n)` answers the n-th request, counted from 1.
  using Answer = std::function<void(Peer&, int)>;
  explicit Endpoint(Answer answer)
      : _answer(std::move(answer)), _server(p2::test::authority().issue(), [this](Peer& peer, int) {
          while (const auto request = peer.readRequest()) {
            {
              const std::scoped_lock lock(_mutex);
              _last = *request;
            }
            _answer(peer, ++_requests);
          }
        }) {}

  ServiceAccount account() const { return p2::test::account(_server.url() + "/token"); }
  int requests() const { return _requests; }
  std::string last() {
    const std::scoped_lock lock(_mutex);
    return _last;
  }

 private:
  Answer _answer;
  std::mutex _mutex;
  std::string _last;
  std::atomic<int> _requests{0};
  TlsServer _server;
};

void grant(Peer& peer, int n, int lifetime = 3599) {
  peer.answer("200 OK", R"({"access_token":"token)" + std::to_string(n) + R"(","expires_in":)" +
                            std::to_string(lifetime) + R"(,"token_type":"Bearer"})");
}

void refuse(Peer& peer) {
  peer.answer("400 Bad Request", R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})");
}

/// A source whose hours pass in moments.
struct Fixture {
  explicit Fixture(Endpoint& endpoint)
      : source(endpoint.account(), p2::test::trusting(), options(), metrics) {}

  AccessTokenSource::Options options() const {
    AccessTokenSource::Options made;
    made.clock = &clock;
    return made;
  }
  /// The token, or the fault's text after `fault: `.
  std::string get(std::chrono::milliseconds wait = 60s) {
    const auto result = source.get(clock.now() + wait);
    const auto* token = std::get_if<Secret>(&result);
    return token != nullptr ? token->reveal() : "fault: " + std::get<TokenFault>(result).text;
  }

  p2::test::JumpingClock clock;
  p2::core::Metrics metrics;
  AccessTokenSource source;
};

}  // namespace

TEST_CASE("A token is requested once, in the form that the endpoint wants, and kept") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  Fixture fixture(endpoint);
  CHECK_FALSE(fixture.source.state().valid);
  for (int n = 0; n < 5; ++n) CHECK(fixture.get() == "token1");
  CHECK(endpoint.requests() == 1);

  const std::string request = endpoint.last();
  CHECK(request.starts_with("POST /token HTTP/1.1\r\n"));
  CHECK(has(request, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  CHECK(
      has(request, "\r\n\r\ngrant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey"));

  const auto state = fixture.source.state();
  CHECK(state.valid);
  REQUIRE(state.expires);
  CHECK(*state.expires > fixture.clock.wallTime() + 3500s);
  CHECK(*state.expires <= fixture.clock.wallTime() + 3599s);
  CHECK_FALSE(state.fault);
  CHECK(has(fixture.metrics.render(), "p2_fcm_oauth_refreshes_total{result=\"granted\"} 1"));
}

TEST_CASE("Nothing is requested while nobody asks") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  { Fixture fixture(endpoint); }
  CHECK(endpoint.requests() == 0);
}

TEST_CASE("However many ask at once, one request is made") {
  std::atomic<int> asking{0};
  Endpoint endpoint([&](Peer& peer, int n) {
    eventually([&] { return asking == 40; });
    grant(peer, n);
  });
  Fixture fixture(endpoint);
  std::atomic<int> right{0};
  std::vector<std::thread> workers;
  for (int n = 0; n < 40; ++n) {
    workers.emplace_back([&] {
      ++asking;
      if (fixture.get() == "token1") ++right;
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(right == 40);
  CHECK(endpoint.requests() == 1);
}

TEST_CASE("The token is refreshed ahead of its expiry while it goes on being used") {
  std::atomic<bool> hold{true};
  Endpoint endpoint([&](Peer& peer, int n) {
    if (n > 1) eventually([&] { return !hold; });
    grant(peer, n);
  });
  Fixture fixture(endpoint);
  REQUIRE(fixture.get() == "token1");
  fixture.clock.jump(3200s);
  CHECK(fixture.get() == "token1");
  CHECK(endpoint.requests() == 1);
  fixture.clock.jump(120s);
  CHECK(fixture.get() == "token1");
  REQUIRE(eventually([&] { return endpoint.requests() == 2; }));
  // The request is under way, held by the endpoint, and callers do not wait for it.
  for (int n = 0; n < 10; ++n) CHECK(fixture.get(0ms) == "token1");
  hold = false;
  REQUIRE(eventually([&] { return fixture.get() != "token1"; }));
  CHECK(fixture.get() == "token2");
  CHECK(endpoint.requests() == 2);
}

TEST_CASE("A token that has expired is not given") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  Fixture fixture(endpoint);
  REQUIRE(fixture.get() == "token1");
  fixture.clock.jump(3600s);
  CHECK_FALSE(fixture.source.state().valid);
  CHECK(fixture.get() == "token2");
}

TEST_CASE("A short-lived token is not refreshed with every call") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n, 100); });
  Fixture fixture(endpoint);
  for (int n = 0; n < 20; ++n) CHECK(fixture.get() == "token1");
  CHECK(endpoint.requests() == 1);
}

TEST_CASE("A failed refresh keeps the token that is still valid") {
  Endpoint endpoint([](Peer& peer, int n) {
    if (n == 1) return grant(peer, n);
    refuse(peer);
  });
  Fixture fixture(endpoint);
  REQUIRE(fixture.get() == "token1");
  fixture.clock.jump(3320s);
  CHECK(fixture.get() == "token1");
  REQUIRE(eventually([&] { return fixture.source.state().fault.has_value(); }));
  CHECK(fixture.source.state().fault->misconfigured);
  for (int n = 0; n < 10; ++n) CHECK(fixture.get(0ms) == "token1");
  CHECK(fixture.source.state().valid);
  CHECK(endpoint.requests() == 2);
}

TEST_CASE("A refusal is told at once to all who ask, and the endpoint is not asked again for a minute") {
  Endpoint endpoint([](Peer& peer, int) { refuse(peer); });
  Fixture fixture(endpoint);
  std::vector<std::thread> workers;
  std::atomic<int> told{0};
  for (int n = 0; n < 20; ++n) {
    workers.emplace_back([&] {
      for (int again = 0; again < 50; ++again)
        told += has(fixture.get(), "it was deleted or the file was altered");
    });
  }
  for (auto& worker : workers) worker.join();
  CHECK(told == 1000);
  CHECK(endpoint.requests() == 1);
  CHECK(has(fixture.metrics.render(), "p2_fcm_oauth_refreshes_total{result=\"refused\"} 1"));
}

TEST_CASE("After a fault that passes, a token is obtained when the delay is over") {
  Endpoint endpoint([](Peer& peer, int n) {
    if (n == 1) return peer.answer("503 Service Unavailable", "", "Retry-After: 1000\r\n");
    grant(peer, n);
  });
  Fixture fixture(endpoint);
  CHECK(has(fixture.get(), "cannot give an access token now (503)"));
  CHECK_FALSE(fixture.source.state().fault->misconfigured);
  fixture.clock.jump(110s);
  CHECK(has(fixture.get(), "cannot give an access token now (503)"));
  CHECK(endpoint.requests() == 1);
  // Longer than two minutes nobody's word is taken for it.
  fixture.clock.jump(10s);
  CHECK(fixture.get() == "token2");
  CHECK_FALSE(fixture.source.state().fault);
}

TEST_CASE("A clock that was wrong and has been set is reason to ask again at once, and nothing else is") {
  const bool byClock = GENERATE(true, false);
  const std::string description =
      byClock ? "Token must be in a reasonable timeframe" : "Invalid JWT Signature.";
  Endpoint endpoint([&](Peer& peer, int n) {
    if (n > 2) return grant(peer, n);
    peer.answer("400 Bad Request",
                R"({"error":"invalid_grant","error_description":")" + description + R"("})");
  });
  Fixture fixture(endpoint);
  for (int n = 0; n < 3; ++n) CHECK(has(fixture.get(), byClock ? "clock is wrong" : "was deleted"));
  CHECK(endpoint.requests() == 1);
  fixture.clock.jump(30s);
  fixture.clock.setWall(5s);
  CHECK(has(fixture.get(), "fault"));
  CHECK(endpoint.requests() == 1);
  fixture.clock.setWall(GENERATE(24h, -24h));
  for (int n = 0; n < 3; ++n) CHECK(has(fixture.get(), "fault"));
  CHECK(endpoint.requests() == (byClock ? 2 : 1));
  fixture.clock.setWall(10s);
  CHECK((fixture.get() == "token3") == byClock);
  CHECK(endpoint.requests() == (byClock ? 3 : 1));
}

TEST_CASE("Nothing is signed by a clock that is not set, and the token comes as soon as it is") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  Fixture fixture(endpoint);
  fixture.clock.believe(false);
  for (int n = 0; n < 3; ++n) CHECK(has(fixture.get(), "this machine's clock shows"));
  CHECK(endpoint.requests() == 0);
  fixture.clock.believe(true);
  fixture.clock.setWall(24h);
  CHECK(fixture.get() == "token1");
}

TEST_CASE("What answers in the endpoint's place is asked again soon") {
  Endpoint endpoint([](Peer& peer, int n) {
    if (n > 4) return grant(peer, n);
    peer.answer(n % 2 == 0 ? "302 Found" : "403 Forbidden", "<html>log in</html>");
  });
  Fixture fixture(endpoint);
  for (int n = 1; n <= 4; ++n) {
    CHECK(has(fixture.get(), "a network that wants a log-in"));
    CHECK_FALSE(fixture.source.state().fault->misconfigured);
    CHECK(endpoint.requests() == n);
    fixture.clock.jump(10s);
  }
  CHECK(fixture.get() == "token5");
}

TEST_CASE("An answer that is cut gives no token") {
  Endpoint endpoint([](Peer& peer, int) {
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":\"tok\"}");
    peer.shutdown();
  });
  Fixture fixture(endpoint);
  CHECK(has(fixture.get(), "closed the connection before its answer was complete"));
}

TEST_CASE("A caller waits no longer than its deadline") {
  std::atomic<bool> hold{true};
  Endpoint endpoint([&](Peer& peer, int) {
    eventually([&] { return !hold; });
    peer.shutdown();
  });
  Fixture fixture(endpoint);
  CHECK(fixture.get(20ms) == "fault: localhost did not give an access token in time.");
  hold = false;
  CHECK(fixture.get() ==
        "fault: No access token: localhost closed the connection before its answer was complete.");
}

TEST_CASE("An endpoint that cannot be reached or trusted is named") {
  p2::core::Metrics metrics;
  SECTION("nobody listens") {
    std::uint16_t port = 0;
    {
      port = p2::test::LoopbackServer([](int, int) {}).port();
    }
    AccessTokenSource source(p2::test::account("https://localhost:" + std::to_string(port) + "/token"),
                             p2::test::trusting(), {}, metrics);
    const auto result = source.get(Clock::TimePoint::max());
    REQUIRE(std::holds_alternative<TokenFault>(result));
    CHECK(has(std::get<TokenFault>(result).text, "No access token: Cannot connect to localhost"));
  }
  SECTION("its certificate is not trusted") {
    TlsServer server(p2::test::selfSigned(), [](Peer&, int) {});
    AccessTokenSource source(p2::test::account(server.url() + "/token"), p2::test::trusting(), {}, metrics);
    const auto result = source.get(Clock::TimePoint::max());
    REQUIRE(std::holds_alternative<TokenFault>(result));
    CHECK(has(std::get<TokenFault>(result).text, "The certificate of localhost is not trusted"));
  }
}

TEST_CASE("A token that FCM refuses is replaced, but only if it is the current one and not too often") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  Fixture fixture(endpoint);
  REQUIRE(fixture.get() == "token1");
  fixture.source.invalidate(Secret("another"));
  CHECK(fixture.get() == "token1");
  fixture.source.invalidate(Secret("token1"));
  CHECK_FALSE(fixture.source.state().valid);
  REQUIRE(fixture.get() == "token2");
  for (int n = 0; n < 5; ++n) fixture.source.invalidate(Secret("token1"));
  CHECK(fixture.get() == "token2");
  fixture.clock.jump(61s);
  fixture.source.invalidate(Secret("token2"));
  CHECK(fixture.get() == "token3");
}

TEST_CASE("A token that is refused over and over is not replaced each time") {
  Endpoint endpoint([](Peer& peer, int n) { grant(peer, n); });
  Fixture fixture(endpoint);
  for (int n = 0; n < 50; ++n) fixture.source.invalidate(Secret(fixture.get()));
  CHECK(endpoint.requests() == 2);
}
