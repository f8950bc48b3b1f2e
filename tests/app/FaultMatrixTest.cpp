#include "fcm/FcmAnswers.h"
#include "fcm/Google.h"
#include "p2/fcm/FcmSender.h"
#include "p2/proxy/PushProxy.h"
#include "p2/push/Dispatcher.h"
#include "p2/store/Store.h"
#include "store/IoFaults.h"
#include "support/Catch.h"
#include "support/ReplyList.h"
#include "support/RequestTexts.h"
#include "support/TemporaryDirectory.h"
#include "support/Xml.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What each fault of FCM, of the token endpoint and of the store does to a push or a registration: the
// answer, whether the registration is kept, and how long after the end of the fault pushes go through again.
// All of p2 but its stream is here, against a TLS server on loopback; time runs so fast that a minute is two
// seconds.

using namespace std::chrono_literals;
using p2::core::Clock;
using p2::test::badField;
using p2::test::deliver;
using p2::test::errorIn;
using p2::test::errorInfo;
using p2::test::fcmError;
using p2::test::Google;
using p2::test::kItemNotFound;
using p2::test::kTryLater;
using p2::test::refusal;
using p2::test::says;
using p2::test::TlsServer;
using p2::test::valueOf;

namespace {

using Peer = TlsServer::Peer;
using Answer = Google::Answer;

constexpr unsigned kFactor = 30;
// Servers wait 32 s for an answer at most; p2 gives it within 25 s.
constexpr auto kPatience = 32s;
// For the work itself, which takes as long as ever while time flies.
constexpr auto kSlack = 30s;

const std::string kDelivered;  // as errorIn() gives it

void closeAtOnce(Peer& peer, const std::string&) {
  peer.shutdown();
}

Answer closeWithin(const std::string& status) {
  return [status](Peer& peer, const std::string&) {
    peer.write("HTTP/1.1 " + status + "\r\nContent-Length: 100\r\n\r\n{");
    peer.shutdown();
  };
}

void hang(Peer& peer, const std::string&) {
  peer.waitForClose();
}

void trickle(Peer& peer, const std::string&) {
  peer.write("HTTP/1.1 200 OK\r\nX-Padding: ");
  for (int n = 0; n < 100000 && !peer.closedWithin(5ms); ++n) peer.write("x");
}

Answer pour(const std::string& status) {
  return [status](Peer& peer, const std::string&) {
    peer.write("HTTP/1.1 " + status + "\r\nContent-Length: 100000000\r\n\r\n");
    const std::string block(65536, 'x');
    for (int n = 0; n < 1600 && !peer.closedWithin(0ms); ++n) peer.write(block);
  };
}

void garbage(Peer& peer, const std::string&) {
  peer.write(std::string("\0\xff\x16\x03 this is not HTTP\r\n\r\n", 25));
  peer.shutdown();
}

struct Row {
  const char* fault;
  Answer fcm;
  std::string answer = kTryLater;
  bool kept = true;
  std::chrono::seconds recovery{0};  ///< After the end of the fault, at most.
  Answer token = nullptr;            ///< What the token endpoint says; null: it is well.
  bool othersSucceed = true;         ///< Before the fault: then there is an access token as well.
};

struct Phone {
  std::string node, secret;
};

/// All of p2 but its stream, and Google.
class Whole {
 public:
  explicit Whole(Clock::Duration goneAfter = 0s) {
    p2::store::Store::Options options;
    options.path = _directory.path() / "store";
    store = std::move(p2::store::Store::open(options)).value();
    p2::push::Dispatcher::Options dispatcherOptions;
    dispatcherOptions.maxWorkers = 4;
    dispatcherOptions.clock = &clock;
    dispatcherOptions.goneAfter = std::chrono::duration_cast<std::chrono::milliseconds>(goneAfter);
    auto config = google.config();
    config.timeout = 15s;
    dispatcher = std::make_unique<p2::push::Dispatcher>(dispatcherOptions, senders(config), _metrics);
    p2::proxy::PushProxy::Options proxyOptions{"push.example.org", {}, &clock};
    proxyOptions.limits.pushesPerSecond = 0;
    proxyOptions.limits.registrationsPerAccount = 0;  // all phones here are one account's
    _proxy = std::make_unique<p2::proxy::PushProxy>(std::move(proxyOptions), *store, *dispatcher, _metrics);
  }
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;
  ~Whole() {
    dispatcher.reset();
    store.reset();
  }

  p2::push::SenderFactory senders(const p2::fcm::FcmConfig& config) {
    return p2::fcm::makeV1Senders(config, p2::test::trusting(), google.tokens(_metrics), _metrics);
  }
  /// As a reload of the settings does.
  void reload(p2::push::Dispatcher::Service service) {
    dispatcher->replaceSenders(senders(google.config()), service);
  }

  std::string ask(const std::string& xml) {
    const auto iq = p2::test::request(xml);
    _proxy->handle(iq, p2::xmpp::Responder(_replies, iq.id, iq.from, iq.to));
    return _replies.waitFor(++_asked).back();
  }
  std::string registering(const std::string& device, const std::string& token = "token") {
    return ask(p2::test::registerRequest("hecuba@example.org", device, token));
  }
  Phone phone(const std::string& device, const std::string& token = "token") {
    const std::string answer = registering(device, token);
    return {valueOf(answer, "node"), valueOf(answer, "secret")};
  }
  /// Empty for a result, else the error.
  std::string push(const Phone& phone) {
    return errorIn(ask(p2::test::publishRequest(phone.node, phone.secret, "example.org")));
  }
  bool has(const Phone& phone) { return store->find(phone.node).value().has_value(); }

  /// How long it takes until a push goes through; nothing if there is another answer than wait before that,
  /// or if `bound` is over.
  std::optional<Clock::Duration> recovery(const Phone& phone, Clock::Duration bound) {
    const auto begun = clock.now();
    for (;;) {
      const std::string answer = push(phone);
      const auto took = clock.now() - begun;
      if (answer == kDelivered) return took;
      if (answer != kTryLater || took > bound) return std::nullopt;
    }
  }

  /// Whether pushes go through, at last: on a busy machine the first one may not be done in its time.
  bool works(const Phone& phone) { return recovery(phone, 30min).has_value(); }

  const p2::core::ScaledClock clock{kFactor};
  Google google{deliver, clock};
  std::unique_ptr<p2::store::Store> store;
  std::unique_ptr<p2::push::Dispatcher> dispatcher;

 private:
  const p2::test::TemporaryDirectory _directory;
  p2::core::Metrics _metrics;
  p2::test::ReplyList _replies;
  std::unique_ptr<p2::proxy::PushProxy> _proxy;
  std::size_t _asked = 0;
};

void check(const Row& row) {
  INFO("the fault: " << row.fault);
  Whole p2;
  const Phone phone = p2.phone("device");
  const Phone other = p2.phone("another device", "another token");
  if (row.othersSucceed) REQUIRE(p2.works(other));

  if (row.fcm) p2.google.setFcm(row.fcm);
  if (row.token) p2.google.setTokens(row.token);
  const auto asked = p2.clock.now();
  CHECK(p2.push(phone) == row.answer);
  CHECK(p2.clock.now() - asked < kPatience);
  CHECK(p2.has(phone) == row.kept);
  CHECK(p2.has(other));

  p2.google.setFcm(deliver);
  p2.google.setTokens([&](Peer& peer, const std::string&) { p2.google.giveToken(peer); });
  const auto recovery = p2.recovery(row.kept ? phone : p2.phone("device", "new token"), 30min);
  REQUIRE(recovery);
  CHECK(*recovery < row.recovery + kSlack);
  CHECK(p2.has(phone) == row.kept);
}

// Clang warns of copies of strings that are made before main(): hence functions.
std::vector<Row> verdictsOnTargets() {
  return {
      {"UNREGISTERED", refusal("404 Not Found", "Requested entity was not found.", fcmError("UNREGISTERED")),
       kItemNotFound, false},
      {"not a valid token, in words",
       refusal("400 Bad Request", "The registration token is not a valid FCM registration token",
               fcmError("INVALID_ARGUMENT")),
       kItemNotFound, false},
      {"not a valid token, by the field's name",
       refusal("400 Bad Request", "Request contains an invalid argument.",
               fcmError("INVALID_ARGUMENT") + "," + badField("message.token")),
       kItemNotFound, false},
      {"SENDER_ID_MISMATCH while others succeed",
       refusal("403 Forbidden", "SenderId mismatch", fcmError("SENDER_ID_MISMATCH")), kItemNotFound, false},
      {"SENDER_ID_MISMATCH while nobody succeeds",
       refusal("403 Forbidden", "SenderId mismatch", fcmError("SENDER_ID_MISMATCH")), kTryLater, true, 0s,
       nullptr, false},
  };
}

std::vector<Row> faultsOfFcm() {
  const std::string denied = "Permission 'cloudmessaging.messages.create' denied on resource";
  return {
      {"404 as HTML", says("404 Not Found", "<!DOCTYPE html><title>Error 404</title>")},
      {"404 with no FcmError", refusal("404 Not Found", "Requested entity was not found.")},
      {"400 without FcmError", refusal("400 Bad Request", "Invalid value", badField("message.data"))},
      {"400, no recipient",
       refusal("400 Bad Request", "Recipient of the message is not set.", fcmError("INVALID_ARGUMENT"))},
      {"400, too big",
       refusal("400 Bad Request", "Android message is too big", fcmError("INVALID_ARGUMENT"))},
      {"400 as HTML", says("400 Bad Request", "<html>")},
      {"403, permission denied", refusal("403 Forbidden", denied, errorInfo("IAM_PERMISSION_DENIED"))},
      {"401", refusal("401 Unauthorized", "Request had invalid authentication credentials.")},
      {"401 ACCESS_TOKEN_EXPIRED", refusal("401 Unauthorized", "Invalid", errorInfo("ACCESS_TOKEN_EXPIRED"))},
      {"401 THIRD_PARTY_AUTH_ERROR",
       refusal("401 Unauthorized", "Auth error", fcmError("THIRD_PARTY_AUTH_ERROR"))},
      {"401 for the first access token only, which passes unseen",
       [](Peer& peer, const std::string& request) {
         if (request.find("Bearer token1") == std::string::npos) return deliver(peer, request);
         peer.answer("401 Unauthorized", R"({"error":{"code":401}})");
       },
       kDelivered},
      {"a status that nobody knows", says("418 I'm a teapot", "{}")},
      {"200 with half a body of JSON", says("200 OK", R"({"name": "projects/p/mess)"), kDelivered},
  };
}

std::vector<Row> throttling() {
  return {
      {"429 QUOTA_EXCEEDED", refusal("429 Too Many Requests", "Quota exceeded.", fcmError("QUOTA_EXCEEDED")),
       kTryLater, true, 60s},
      {"429 RATE_LIMIT_EXCEEDED",
       refusal("429 Too Many Requests", "Quota exceeded.", errorInfo("RATE_LIMIT_EXCEEDED")), kTryLater, true,
       60s},
      {"429 with a Retry-After of more than the deadline",
       says("429 Too Many Requests", "{}", "Retry-After: 40\r\n"), kTryLater, true, 40s},
      {"503 with a Retry-After of more than the deadline",
       says("503 Service Unavailable", "{}", "Retry-After: 40\r\n"), kTryLater, true, 40s},
      {"503 with a Retry-After within the deadline, once, which passes unseen",
       [first = std::make_shared<std::atomic<bool>>(true)](Peer& peer, const std::string& request) {
         if (!first->exchange(false)) return deliver(peer, request);
         peer.answer("503 Service Unavailable", "{}", "Retry-After: 2\r\n");
       },
       kDelivered},
      {"500 INTERNAL", refusal("500 Internal Server Error", "Internal error.", fcmError("INTERNAL")),
       kTryLater, true, 60s},
      {"502 as HTML", says("502 Bad Gateway", "<html>"), kTryLater, true, 60s},
      {"503 UNAVAILABLE", refusal("503 Service Unavailable", "Unavailable.", fcmError("UNAVAILABLE")),
       kTryLater, true, 60s},
      {"504", says("504 Gateway Timeout", ""), kTryLater, true, 60s},
  };
}

std::vector<Row> faultsOfTheConnection() {
  return {
      {"closes before the answer", closeAtOnce},
      {"closes within the answer", closeWithin("404 Not Found")},
      {"closes within the answer of success", closeWithin("200 OK"), kDelivered},
      {"says nothing", hang},
      {"says a byte now and then", trickle},
      {"pours without end", pour("404 Not Found")},
      {"pours success without end", pour("200 OK"), kDelivered},
      {"does not speak HTTP", garbage},
      {"redirects", says("302 Found", "", "Location: https://localhost:1/elsewhere\r\n")},
      {"closes after the answer, which nobody sees",
       [](Peer& peer, const std::string& request) {
         deliver(peer, request);
         peer.shutdown();
       },
       kDelivered},
  };
}

Answer refuses(const std::string& why) {
  return says("400 Bad Request", R"({"error":"invalid_grant","error_description":")" + why + R"("})");
}

std::vector<Row> faultsOfOAuth() {
  const auto row = [](const char* fault, Answer token, std::chrono::seconds recovery) {
    return Row{fault, nullptr, kTryLater, true, recovery, std::move(token), false};
  };
  return {
      row("invalid_grant: the signature", refuses("Invalid JWT Signature."), 120s),
      row("invalid_grant: the clock",
          refuses("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."), 120s),
      row("invalid_grant: the account", refuses("Invalid grant: account not found"), 120s),
      row("500", says("500 Internal Server Error", "{}"), 60s),
      row("502 as HTML", says("502 Bad Gateway", "<html>"), 60s),
      row("200 without a token", says("200 OK", R"({"token_type":"Bearer"})"), 60s),
      row("200 that is no JSON", says("200 OK", "<html>"), 60s),
      row("closes before the answer", closeAtOnce, 60s),
      row("says nothing", hang, 60s),
      row("says a byte now and then", trickle, 60s),
      row("pours without end", pour("200 OK"), 60s),
      row("does not speak HTTP", garbage, 60s),
      row("redirects", says("302 Found", "", "Location: https://localhost:1/\r\n"), 120s),
      {"500, while there is a valid access token", nullptr, kDelivered, true, 0s,
       says("500 Internal Server Error", "{}")},
  };
}

}  // namespace

TEST_CASE("Only FCM's verdict on a target removes a registration") {
  for (const Row& row : verdictsOnTargets()) check(row);
}

TEST_CASE("What FCM says of our own request or credentials is answered wait, and removes nothing") {
  for (const Row& row : faultsOfFcm()) check(row);
}

TEST_CASE("While FCM throttles or fails the answer is wait, and pushes go on when it asks for no more time") {
  for (const Row& row : throttling()) check(row);
}

TEST_CASE("Whatever the connection to FCM does, the answer comes in time, and the next push goes through") {
  for (const Row& row : faultsOfTheConnection()) check(row);
}

TEST_CASE("While no access token can be had the answer is wait, and the endpoint is soon asked again") {
  for (const Row& row : faultsOfOAuth()) check(row);
}

TEST_CASE("A certificate that is not right, a closed port and a name nobody knows are answered wait") {
  const auto wrong = GENERATE(as<std::string>(), "name", "date", "port", "host");
  Whole p2;
  const Phone phone = p2.phone("device");
  REQUIRE(p2.works(phone));
  std::atomic<bool> requested{false};
  const auto never = [&](Peer& peer, int) { requested = requested || peer.readRequest().has_value(); };
  std::optional<TlsServer> server;
  if (wrong == "name") server.emplace(p2::test::authority().issue({"DNS:other.example", false}), never);
  if (wrong == "date") server.emplace(p2::test::authority().issue({"DNS:localhost", true}), never);
  auto config = p2.google.config();
  config.endpoint = p2::http::Url::parse(server            ? server->url()
                                         : wrong == "port" ? "https://localhost:1"
                                                           : "https://does-not-exist.invalid")
                        .value();
  p2::core::Metrics metrics;
  const auto tokens = p2.google.tokens(metrics);
  // The same service, of which nothing shall be forgotten.
  p2.dispatcher->replaceSenders(p2::fcm::makeV1Senders(config, p2::test::trusting(), tokens, metrics),
                                p2::push::Dispatcher::Service::same);
  const auto asked = p2.clock.now();
  CHECK(p2.push(phone) == kTryLater);
  CHECK(p2.clock.now() - asked < kPatience);
  CHECK(p2.has(phone));
  CHECK_FALSE(requested);

  p2.dispatcher->replaceSenders(
      p2::fcm::makeV1Senders(p2.google.config(), p2::test::trusting(), tokens, metrics),
      p2::push::Dispatcher::Service::same);
  const auto recovery = p2.recovery(phone, 30min);
  REQUIRE(recovery);
  CHECK(*recovery < kSlack);
}

TEST_CASE("While the store cannot write, what needs no writing is served, and the rest is answered wait") {
  const auto code = GENERATE(ENOSPC, EIO, EDQUOT, EROFS);
  Whole p2;
  const Phone phone = p2.phone("device");
  const Phone gone = p2.phone("gone", "token that is gone");
  REQUIRE(p2.works(phone));
  p2::store::test::IoFaults faults;
  faults.fail(0, 1000000, code);

  CHECK(errorIn(p2.registering("new device")) == kTryLater);
  CHECK(errorIn(p2.registering("device", "renewed token")) == kTryLater);
  CHECK(valueOf(p2.registering("device"), "node") == phone.node);  // as it is on disk
  CHECK(p2.push(phone) == kDelivered);
  p2.google.setFcm(refusal("404 Not Found", "Requested entity was not found.", fcmError("UNREGISTERED")));
  CHECK(p2.push(gone) == kTryLater);  // the server keeps what p2 keeps
  CHECK(p2.has(gone));
  CHECK(faults.failed() > 0);

  faults.fail(0, 0, 0);
  CHECK(p2.push(gone) == kItemNotFound);
  CHECK_FALSE(p2.has(gone));
  p2.google.setFcm(deliver);
  CHECK(p2.push(p2.phone("new device")) == kDelivered);
  CHECK(valueOf(p2.registering("device", "renewed token"), "node") == phone.node);
  CHECK(p2.store->find(phone.node).value()->target.value.reveal() == "renewed token");
}

TEST_CASE(
    "A verdict on a target removes its registration when it comes again after the grace, and not before") {
  for (const Row& row : verdictsOnTargets()) {
    INFO("the verdict: " << row.fault);
    Whole p2(2min);
    const Phone phone = p2.phone("device");
    const Phone other = p2.phone("another device", "another token");
    if (row.othersSucceed) REQUIRE(p2.works(other));
    p2.google.setFcm([&](Peer& peer, const std::string& request) {
      if (row.othersSucceed && request.find("another token") != std::string::npos)
        return deliver(peer, request);
      row.fcm(peer, request);
    });
    const auto first = p2.clock.now();
    std::string answer = p2.push(phone);
    while (answer == kTryLater && p2.clock.now() < first + 5min) {
      CHECK(p2.has(phone));
      if (row.othersSucceed) CHECK(p2.push(other) == kDelivered);
      answer = p2.push(phone);
    }
    CHECK(answer == row.answer);
    CHECK(p2.has(phone) == row.kept);
    if (!row.kept) CHECK(p2.clock.now() - first >= 2min);
  }
}

TEST_CASE(
    "The wrong project, or an outage that calls everybody gone, costs nobody anything when it is mended") {
  const auto phonesInAll = GENERATE(5, 100);
  const auto said = GENERATE(as<std::string>(), "UNREGISTERED", "SENDER_ID_MISMATCH");
  const auto how = GENERATE(as<std::string>(), "reload", "outage");
  CAPTURE(phonesInAll, said, how);
  Whole p2(1h);
  std::vector<Phone> phones;
  for (int n = 0; n < phonesInAll; ++n) {
    phones.push_back(p2.phone("device" + std::to_string(n), "token" + std::to_string(n)));
  }
  for (const Phone& phone : phones) REQUIRE(p2.works(phone));
  using Service = p2::push::Dispatcher::Service;
  if (how == "reload") p2.reload(Service::other);
  p2.google.setFcm(said == "UNREGISTERED"
                       ? refusal("404 Not Found", "Requested entity was not found.", fcmError(said))
                       : refusal("403 Forbidden", "SenderId mismatch", fcmError(said)));
  for (int round = 0; round < 3; ++round) {
    for (const Phone& phone : phones) CHECK(p2.push(phone) == kTryLater);
  }
  p2.google.setFcm(deliver);
  if (how == "reload") p2.reload(Service::other);
  for (const Phone& phone : phones) CHECK(p2.push(phone) == kDelivered);
}

TEST_CASE("FCM calling most targets gone removes a bounded number, and nobody once that is known") {
  Whole p2;
  std::vector<Phone> phones;
  for (int n = 0; n < 100; ++n) {
    phones.push_back(p2.phone("device" + std::to_string(n), "token" + std::to_string(n)));
  }
  for (const Phone& phone : phones) REQUIRE(p2.works(phone));
  p2.google.setFcm(refusal("404 Not Found", "Requested entity was not found.", fcmError("UNREGISTERED")));
  std::size_t dropped = 0;
  for (const Phone& phone : phones) dropped += p2.push(phone) == kItemNotFound ? 1 : 0;
  CHECK(dropped <= 20);
  p2.google.setFcm(deliver);
  std::size_t kept = 0;
  for (const Phone& phone : phones) kept += p2.push(phone) == kDelivered ? 1 : 0;
  CHECK(kept == phones.size() - dropped);
}
