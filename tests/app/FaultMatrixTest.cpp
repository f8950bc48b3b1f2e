#include "fcm/Google.h"
#include "fcm/GoogleAnswers.h"
#include "lmdb/IoFaults.h"
#include "p2/fcm/FcmSender.h"
#include "p2/lmdb/Store.h"
#include "p2/proxy/PushProxy.h"
#include "p2/push/Dispatcher.h"
#include "support/Catch.h"
#include "support/FcmAnswers.h"
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
using p2::test::deliver;
using p2::test::errorIn;
using p2::test::FcmAnswer;
using p2::test::fcmAnswers;
using p2::test::gives;
using p2::test::Google;
using p2::test::kItemNotFound;
using p2::test::kTryLater;
using p2::test::says;
using p2::test::TlsServer;
using p2::test::valueOf;

namespace {

using Peer = TlsServer::Peer;
using Answer = Google::Answer;
using Kind = p2::push::Outcome::Kind;

constexpr unsigned kFactor = 30;
// Servers wait 32 s for an answer at most; p2 gives it within 25 s.
constexpr auto kPatience = 32s;
// For the work itself, which takes as long as ever while time flies.
constexpr auto kSlack = 30s;
// An hour is two minutes here: nobody waits for the end of such a pause.
constexpr std::chrono::seconds kLongestPause = 2min;

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
    peer.write("HTTP/1.1 " + status + "\r\nContent-Length: 100000000\r\n\r\n{");
    const std::string block(65536, 'x');
    for (int n = 0; n < 1600 && !peer.closedWithin(0ms); ++n) peer.write(block);
  };
}

void garbage(Peer& peer, const std::string&) {
  peer.write(std::string("\0\xff\x16\x03 this is not HTTP\r\n\r\n", 25));
  peer.shutdown();
}

struct Row {
  std::string fault;
  Answer fcm;
  std::string answer = kTryLater;
  bool kept = true;
  std::chrono::seconds recovery{0};  ///< After the end of the fault, at most.
  Answer token = nullptr;            ///< What the token endpoint says; null: it is well.
  bool othersSucceed = true;         ///< Before the fault: then there is an access token as well.
  FcmAnswer::Api api = FcmAnswer::Api::v1;
};

struct Phone {
  std::string node, secret;
};

/// All of p2 but its stream, and Google.
class Whole {
 public:
  explicit Whole(Clock::Duration goneAfter = 0s, FcmAnswer::Api api = FcmAnswer::Api::v1) : _api(api) {
    p2::lmdb::Store::Options options;
    options.path = _directory.path() / "store";
    store = std::move(p2::lmdb::Store::open(options)).value();
    p2::push::Dispatcher::Options dispatcherOptions;
    dispatcherOptions.maxWorkers = 4;
    dispatcherOptions.clock = &clock;
    dispatcherOptions.goneAfter = std::chrono::duration_cast<std::chrono::milliseconds>(goneAfter);
    auto config = google.config();
    config.timeout = 15s;
    dispatcher = std::make_unique<p2::push::Dispatcher>(dispatcherOptions, senders(config), _metrics);
    p2::proxy::PushProxy::Options proxyOptions{"push.example.org", {}, &clock};
    proxyOptions.limits.pushesPerSecond = 0;
    proxyOptions.limits.unknownAfter = 0ms;
    proxyOptions.limits.registrationsPerAccount = 0;  // all phones here are one account's
    const p2::proxy::PushProxy::Dispatchers ways{{p2::store::Service::fcm, *dispatcher}};
    _proxy = std::make_unique<p2::proxy::PushProxy>(std::move(proxyOptions), *store, ways, _metrics);
  }
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;
  ~Whole() {
    dispatcher.reset();
    store.reset();
  }

  p2::push::SenderFactory senders(const p2::fcm::FcmConfig& config) {
    if (_api == FcmAnswer::Api::legacy)
      return p2::fcm::makeLegacySenders(config, p2::test::trusting(), _metrics);
    return p2::fcm::makeV1Senders(config, p2::test::trusting(), google.tokens(_metrics), _metrics);
  }
  /// As a reload of the settings does.
  void reload(p2::push::Dispatcher::Credentials credentials) {
    dispatcher->replaceSenders(senders(google.config()), credentials);
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
  std::unique_ptr<p2::lmdb::Store> store;
  std::unique_ptr<p2::push::Dispatcher> dispatcher;

 private:
  const FcmAnswer::Api _api;
  const p2::test::TemporaryDirectory _directory;
  p2::core::Metrics _metrics;
  p2::test::ReplyList _replies;
  std::unique_ptr<p2::proxy::PushProxy> _proxy;
  std::size_t _asked = 0;
};

void check(const Row& row) {
  INFO("the fault: " << row.fault);
  Whole p2(0s, row.api);
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

  if (row.recovery > kLongestPause) return;
  p2.google.setFcm(deliver);
  p2.google.setTokens([&](Peer& peer, const std::string&) { p2.google.giveToken(peer); });
  const auto recovery = p2.recovery(row.kept ? phone : p2.phone("device", "new token"), 30min);
  REQUIRE(recovery);
  CHECK(*recovery < row.recovery + kSlack);
  CHECK(p2.has(phone) == row.kept);
}

/// The errors that decide what a server does with its user; see errorIn().
std::string stanzaOf(const FcmAnswer& answer) {
  switch (answer.xmpp) {
    case FcmAnswer::Stanza::result:
      return kDelivered;
    case FcmAnswer::Stanza::itemNotFound:
      return kItemNotFound;
    case FcmAnswer::Stanza::wait:
      return kTryLater;
  }
  return {};
}

Row rowOf(const FcmAnswer& answer) {
  const bool fails = answer.outcome == Kind::retry && answer.scope == p2::push::Outcome::Scope::service;
  const auto pause = answer.retryAfter.value_or(fails ? 60s : 0s);
  return {answer.name,
          gives(answer.name),
          stanzaOf(answer),
          answer.xmpp != FcmAnswer::Stanza::itemNotFound,
          pause,
          nullptr,
          true,
          answer.api};
}

/// Those of the table's rows with which it is so.
template <class Test>
std::vector<Row> rowsWhere(Test test) {
  std::vector<Row> rows;
  for (const auto& answer : fcmAnswers()) {
    if (test(answer)) rows.push_back(rowOf(answer));
  }
  return rows;
}

auto leadsTo(Kind outcome) {
  return [outcome](const FcmAnswer& answer) { return answer.outcome == outcome; };
}

Row mismatchWhileNobodySucceeds() {
  return {
      "sender_mismatch while nobody succeeds", gives("sender_mismatch"), kTryLater, true, 0s, nullptr, false};
}

Answer once(const std::string& name) {
  return [first = std::make_shared<std::atomic<bool>>(true), answer = gives(name)](
             Peer& peer, const std::string& request) {
    first->exchange(false) ? answer(peer, request) : deliver(peer, request);
  };
}

// Clang warns of copies of strings that are made before main(): hence functions.
std::vector<Row> faultsThatPassUnseen() {
  return {
      {"401 for the first access token only",
       [refused = gives("unauthenticated")](Peer& peer, const std::string& request) {
         const bool isFirst = request.find("Bearer token1") != std::string::npos;
         isFirst ? refused(peer, request) : deliver(peer, request);
       },
       kDelivered},
      {"503 with a Retry-After within the deadline, once", once("503_with_short_pause"), kDelivered},
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

TEST_CASE("What FCM takes is a result") {
  for (const Row& row : rowsWhere(leadsTo(Kind::delivered))) check(row);
  for (const Row& row : faultsThatPassUnseen()) check(row);
}

TEST_CASE("Only FCM's verdict on a target removes a registration") {
  for (const Row& row : rowsWhere(leadsTo(Kind::targetGone))) check(row);
  check(mismatchWhileNobodySucceeds());
}

TEST_CASE("What FCM cannot read is answered wait, and removes nothing") {
  for (const Row& row : rowsWhere(leadsTo(Kind::rejected))) check(row);
}

TEST_CASE("What FCM says of our credentials is answered wait, and removes nothing") {
  for (const Row& row : rowsWhere(leadsTo(Kind::misconfigured))) check(row);
}

TEST_CASE("While FCM throttles the answer is wait, and pushes go on when it asks for no more time") {
  for (const Row& row : rowsWhere([](const FcmAnswer& answer) { return answer.status == 429; })) check(row);
}

TEST_CASE("While FCM fails the answer is wait, and pushes go on when it asks for no more time") {
  for (const Row& row : rowsWhere([](const FcmAnswer& answer) { return answer.status >= 500; })) check(row);
}

TEST_CASE("What FCM says of nobody, or of one message only, is answered wait, and removes nothing") {
  const auto others = [](const FcmAnswer& answer) {
    return answer.outcome == Kind::retry && answer.status != 429 && answer.status < 500;
  };
  for (const Row& row : rowsWhere(others)) check(row);
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
                                p2::push::Dispatcher::Credentials::same);
  const auto asked = p2.clock.now();
  CHECK(p2.push(phone) == kTryLater);
  CHECK(p2.clock.now() - asked < kPatience);
  CHECK(p2.has(phone));
  CHECK_FALSE(requested);

  p2.dispatcher->replaceSenders(
      p2::fcm::makeV1Senders(p2.google.config(), p2::test::trusting(), tokens, metrics),
      p2::push::Dispatcher::Credentials::same);
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
  p2::lmdb::test::IoFaults faults;
  faults.fail(0, 1000000, code);

  CHECK(errorIn(p2.registering("new device")) == kTryLater);
  CHECK(errorIn(p2.registering("device", "renewed token")) == kTryLater);
  CHECK(valueOf(p2.registering("device"), "node") == phone.node);  // as it is on disk
  CHECK(p2.push(phone) == kDelivered);
  p2.google.setFcm(gives("unregistered"));
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
  std::vector<Row> rows{mismatchWhileNobodySucceeds()};
  for (const char* name : {"unregistered", "invalid_token", "invalid_token_field", "sender_mismatch"}) {
    rows.push_back(rowOf(p2::test::fcmAnswer(name)));
  }
  for (const Row& row : rows) {
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
  const auto said = GENERATE(as<std::string>(), "unregistered", "sender_mismatch");
  const auto how = GENERATE(as<std::string>(), "reload", "outage");
  CAPTURE(phonesInAll, said, how);
  Whole p2(1h);
  std::vector<Phone> phones;
  for (int n = 0; n < phonesInAll; ++n) {
    phones.push_back(p2.phone("device" + std::to_string(n), "token" + std::to_string(n)));
  }
  for (const Phone& phone : phones) REQUIRE(p2.works(phone));
  using Credentials = p2::push::Dispatcher::Credentials;
  if (how == "reload") p2.reload(Credentials::other);
  p2.google.setFcm(gives(said));
  for (int round = 0; round < 3; ++round) {
    for (const Phone& phone : phones) CHECK(p2.push(phone) == kTryLater);
  }
  p2.google.setFcm(deliver);
  if (how == "reload") p2.reload(Credentials::other);
  for (const Phone& phone : phones) CHECK(p2.push(phone) == kDelivered);
}

TEST_CASE("FCM calling most targets gone removes a bounded number, and nobody once that is known") {
  Whole p2;
  std::vector<Phone> phones;
  for (int n = 0; n < 100; ++n) {
    phones.push_back(p2.phone("device" + std::to_string(n), "token" + std::to_string(n)));
  }
  for (const Phone& phone : phones) REQUIRE(p2.works(phone));
  p2.google.setFcm(gives("unregistered"));
  std::size_t dropped = 0;
  for (const Phone& phone : phones) dropped += p2.push(phone) == kItemNotFound ? 1 : 0;
  CHECK(dropped <= 20);
  p2.google.setFcm(deliver);
  std::size_t kept = 0;
  for (const Phone& phone : phones) kept += p2.push(phone) == kDelivered ? 1 : 0;
  CHECK(kept == phones.size() - dropped);
}
