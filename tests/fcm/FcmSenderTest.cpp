#include "Google.h"
#include "GoogleAnswers.h"
#include "TestAccount.h"
#include "p2/fcm/FcmSender.h"
#include "support/Catch.h"
#include "support/Has.h"
#include "support/TlsServer.h"

#include <atomic>

using namespace std::chrono_literals;
using namespace p2::fcm;
using p2::core::Clock;
using p2::core::Secret;
using p2::push::Outcome;
using p2::test::deliver;
using p2::test::gives;
using p2::test::Google;
using p2::test::has;
using p2::test::TlsServer;
using Kind = Outcome::Kind;

namespace {

using Peer = TlsServer::Peer;

p2::push::Message hiddenMessage() {
  return {{p2::core::Target::Kind::registrationToken, Secret("hidden")}, "abcdef0123", "", false};
}

Outcome send(p2::push::Sender& sender, Clock::TimePoint deadline = Clock::TimePoint::max()) {
  Outcome outcome = sender.send(hiddenMessage(), deadline);
  CHECK(outcome.reason.find("hidden") == std::string::npos);
  return outcome;
}

}  // namespace

TEST_CASE("A message goes to the project's address with the access token") {
  Google google(deliver);
  p2::core::Metrics metrics;
  const auto make = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics);
  const auto sender = make();
  for (int n = 0; n < 3; ++n) CHECK(send(*sender).kind == Kind::delivered);
  const auto requests = google.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].starts_with("POST /v1/projects/my-project/messages:send HTTP/1.1\r\n"));
  CHECK(has(requests[0], "\r\nAuthorization: Bearer token1\r\n"));
  CHECK(has(requests[0], "\r\nContent-Type: application/json\r\n"));
  CHECK(requests[0].ends_with(R"({"message":{"token":"hidden","data":{"account":"abcdef0123"},)"
                              R"("android":{"priority":"HIGH","collapse_key":"abcdef"}}})"));
  CHECK(google.tokensGiven() == 1);
  CHECK(google.connections() == 2);  // one for the tokens, one for the messages
  CHECK(has(metrics.render(), "p2_fcm_request_seconds_count 3"));
}

TEST_CASE("A message for the legacy API carries the key, below the endpoint's path") {
  Google google([](Peer& peer, const std::string&) {
    peer.answer("200 OK",
                R"({"success":1,"failure":0,"results":[{"message_id":"1","registration_id":"new"}]})");
  });
  p2::core::Metrics metrics;
  auto config = google.config();
  config.endpoint.path = "/gateway/";
  config.authKey = Secret("AAAAkey");
  const auto sender = makeLegacySenders(config, p2::test::trusting(), metrics)();
  const auto outcome = send(*sender);
  CHECK(outcome.kind == Kind::delivered);
  REQUIRE(outcome.replacement);
  CHECK(outcome.replacement->value.reveal() == "new");
  const auto requests = google.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].starts_with("POST /gateway/fcm/send HTTP/1.1\r\n"));
  CHECK(has(requests[0], "\r\nAuthorization: key=AAAAkey\r\n"));
  CHECK(google.tokensGiven() == 0);
}

TEST_CASE("A refused access token is replaced once and the message sent again") {
  Google google([](Peer& peer, const std::string& request) {
    if (has(request, "Bearer token1")) return peer.answer("401 Unauthorized", R"({"error":{"code":401}})");
    deliver(peer, request);
  });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  CHECK(send(*sender).kind == Kind::delivered);
  CHECK(google.requests().size() == 2);
  CHECK(google.tokensGiven() == 2);
}

TEST_CASE("Access tokens that are all refused end as a fault, and the token endpoint is left alone") {
  Google google([](Peer& peer, const std::string&) { peer.answer("401 Unauthorized", ""); });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  for (int n = 0; n < 10; ++n) CHECK(send(*sender).kind == Kind::misconfigured);
  CHECK(google.tokensGiven() == 2);
  CHECK(google.requests().size() == 11);
}

TEST_CASE("Without an access token nothing is sent, and the reason is the token's") {
  Google google(deliver);
  google.setTokens([](Peer& peer, const std::string&) {
    peer.answer("400 Bad Request",
                R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})");
  });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  const auto outcome = send(*sender);
  CHECK(outcome.kind == Kind::misconfigured);
  CHECK(has(outcome.reason, "no longer accepts the service account's key"));
  CHECK(google.requests().empty());
}

TEST_CASE("Each answer of FCM becomes the outcome that the table has, with its wish for a pause") {
  Google google(deliver);
  p2::core::Metrics metrics;
  const auto v1 = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  const auto legacy = makeLegacySenders(google.config(), p2::test::trusting(), metrics)();
  for (const auto& row : p2::test::fcmAnswers()) {
    CAPTURE(row.name);
    google.setFcm(gives(row.name));
    const auto outcome = send(row.api == p2::test::FcmAnswer::Api::v1 ? *v1 : *legacy);
    CHECK(outcome.kind == row.outcome);
    CHECK(outcome.scope == row.scope);
    CHECK(outcome.reason == row.reason);
    REQUIRE(outcome.retryAfter.has_value() == row.retryAfter.has_value());
    // Until a date it is a little less by the time the answer is read.
    if (row.retryAfter)
      CHECK((*outcome.retryAfter <= *row.retryAfter && *outcome.retryAfter > *row.retryAfter - 10s));
    CHECK(outcome.onlyIfOthersSucceed == row.ifOthersSucceed);
    CHECK(outcome.replacement.has_value() == row.replacement.has_value());
  }
}

TEST_CASE(
    "Success is a delivery however its body ends, but with the legacy API, which says of it in the body") {
  Google google([](Peer& peer, const std::string&) {
    peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n");
    peer.shutdown();
  });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  for (int n = 0; n < 2; ++n) CHECK(send(*sender).kind == Kind::delivered);
  const auto legacy = makeLegacySenders(google.config(), p2::test::trusting(), metrics)();
  const auto outcome = send(*legacy);
  CHECK(outcome.kind == Kind::retry);
  CHECK(outcome.reason == "localhost closed the connection before its answer was complete.");
}

TEST_CASE("The legacy API is not asked for an installation that it does not know") {
  Google google(deliver);
  p2::core::Metrics metrics;
  const auto sender = makeLegacySenders(google.config(), p2::test::trusting(), metrics)();
  auto toInstallation = hiddenMessage();
  toInstallation.target.kind = p2::core::Target::Kind::installationId;
  const auto outcome = sender->send(toInstallation, Clock::TimePoint::max());
  CHECK(outcome.kind == Kind::misconfigured);
  CHECK(outcome.scope == Outcome::Scope::target);
  CHECK(has(outcome.reason, "fcm.serviceAccountFile"));
  CHECK(google.requests().empty());
}

TEST_CASE("What one sender has agreed with FCM saves the next a handshake") {
  std::atomic<int> resumed{0};
  Google google([&](Peer& peer, const std::string& request) {
    resumed += peer.resumed() ? 1 : 0;
    deliver(peer, request);
  });
  p2::core::Metrics metrics;
  const auto make = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics);
  for (int n = 0; n < 3; ++n) CHECK(send(*make()).kind == Kind::delivered);
  CHECK(resumed == 2);
}

TEST_CASE("A fault of the connection passes, and the next message gets a new one") {
  std::atomic<int> requests{0};
  Google google([&](Peer& peer, const std::string& request) {
    if (++requests == 1) {
      peer.write("HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{");
      return peer.shutdown();
    }
    if (requests == 2) return peer.write("nonsense\r\n\r\n");
    deliver(peer, request);
  });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  const auto cut = send(*sender);
  CHECK(cut.kind == Kind::retry);
  CHECK(cut.reason == "localhost closed the connection before its answer was complete.");
  CHECK(cut.scope == p2::push::Outcome::Scope::target);
  const auto malformed = send(*sender);
  CHECK(malformed.kind == Kind::retry);
  CHECK(malformed.reason == "localhost sent an answer that is not HTTP.");
  CHECK(send(*sender).kind == Kind::delivered);
}

TEST_CASE("A message ends at its deadline") {
  Google google([](Peer& peer, const std::string&) { peer.waitForClose(); });
  p2::core::Metrics metrics;
  const auto sender = makeV1Senders(google.config(), p2::test::trusting(), google.tokens(metrics), metrics)();
  const auto begin = Clock::TimePoint::clock::now();
  CHECK(send(*sender, begin + 200ms).kind == Kind::retry);
  CHECK(Clock::TimePoint::clock::now() - begin < 5s);
}

TEST_CASE("The legacy API at Google's own address is warned of") {
  const auto warning = legacyWarning({"fcm.googleapis.com", 443, ""});
  REQUIRE(warning);
  CHECK(has(*warning, "fcm.authKey"));
  CHECK_FALSE(legacyWarning({"push.example.org", 443, ""}));
}
