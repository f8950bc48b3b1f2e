#include "LogOfProxy.h"
#include "ProxyFixture.h"
#include "support/Catch.h"
#include "support/Has.h"
#include "support/ImportAll.h"
#include "support/JumpingClock.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What one push service says, or how it fares, is nothing to the other.

using namespace p2;
using namespace p2::test;
using namespace std::chrono_literals;
using push::Outcome;
using store::Service;

namespace {

constexpr std::array kServices{Service::fcm, Service::apns};

/// One push service in the test's hands.
struct End {
  core::Guarded<Script> script;
  std::unique_ptr<push::Dispatcher> dispatcher;

  void start(push::ServiceName name, core::Metrics& metrics) {
    push::Dispatcher::Options options;
    options.service = std::move(name);
    options.maxWorkers = 2;
    options.goneAfter = 0s;
    dispatcher = std::make_unique<push::Dispatcher>(
        options, [this] { return std::make_unique<ScriptedSender>(script); }, metrics);
  }
  void willAnswer(const Outcome& outcome) {
    script.with([&](Script& s) { s.outcomes.push_back(outcome); });
  }
  std::size_t sent() const {
    return script.with([](const Script& s) { return s.sent.size(); });
  }
};

Outcome outcome(Outcome::Kind kind, Outcome::Scope scope = Outcome::Scope::target) {
  Outcome made;
  made.kind = kind;
  made.scope = scope;
  made.reason = "test";
  made.retryAfter = 1h;  // too long for another try
  return made;
}

/// A proxy with a way to two push services, and `kPhones` registrations of each.
class TwoServices {
 public:
  static constexpr std::size_t kPhones = 30;

  TwoServices() {
    lmdb::Store::Options options;
    options.path = _directory.path() / "store";
    store = std::move(lmdb::Store::open(options)).value();
    std::vector<store::Registration> phones;
    for (const Service service : kServices) {
      for (std::size_t i = 0; i < kPhones; ++i) phones.push_back(phone(service, i));
    }
    REQUIRE(importAll(*store, phones).value().added == phones.size());
    fcm.start({"fcm", "FCM"}, metrics);
    apns.start({"apns", "APNs"}, metrics);
    proxy = std::make_unique<proxy::PushProxy>(
        proxy::PushProxy::Options{kJid, {}, &clock}, *store,
        proxy::PushProxy::Dispatchers{{Service::fcm, *fcm.dispatcher}, {Service::apns, *apns.dispatcher}},
        metrics);
  }
  ~TwoServices() {
    fcm.dispatcher->drain(0s);
    apns.dispatcher->drain(0s);
    store.reset();
  }

  /// Publishes to a phone; gives the error, or nothing if it was delivered.
  std::string publish(Service service, std::size_t number = 0) {
    const auto to = phone(service, number);
    const auto iq = request(publishRequest(to.node, to.secret.reveal(), to.domain));
    proxy->handle(iq, xmpp::Responder(replies, iq.id, iq.from, iq.to));
    return errorIn(replies.waitFor(++_asked).back());
  }
  bool holds(Service service, std::size_t number) const {
    return store->find(phone(service, number).node).value().has_value();
  }

  JumpingClock clock;
  core::Metrics metrics;
  End fcm;
  End apns;
  std::unique_ptr<lmdb::Store> store;
  std::unique_ptr<proxy::PushProxy> proxy;
  ReplyList replies;

 private:
  static store::Registration phone(Service service, std::size_t number) {
    const std::string name = (service == Service::fcm ? "F" : "A") + std::to_string(100 + number);
    store::Registration made;
    made.node = "AAAAAAAA" + name;
    made.secret = core::Secret(std::string(24, 's'));
    made.key = {service, deviceHashOf(number), {}};
    made.domain = "jabber.de";
    // Two services may give out the same text.
    made.target = {core::Target::Kind::registrationToken, core::Secret("token" + std::to_string(number))};
    return made;
  }
  static std::string deviceHashOf(std::size_t number) {
    const auto digits = std::to_string(number);
    return std::string(40 - digits.size(), 'a') + digits;
  }

  TemporaryDirectory _directory;
  std::size_t _asked = 0;
};

}  // namespace

TEST_CASE_METHOD(TwoServices, "A push goes to the service of its registration, and is counted there") {
  CHECK(publish(Service::fcm).empty());
  CHECK(fcm.sent() == 1);
  CHECK(apns.sent() == 0);
  apns.willAnswer(outcome(Outcome::Kind::rejected));
  CHECK(publish(Service::apns) == kTryLater);
  CHECK(fcm.sent() == 1);
  CHECK(apns.sent() == 1);
  const auto text = metrics.render();
  for (const char* line :
       {"p2_pushes_total{service=\"fcm\",outcome=\"delivered\"} 1",
        "p2_pushes_total{service=\"fcm\",outcome=\"rejected\"} 0",
        "p2_pushes_total{service=\"apns\",outcome=\"delivered\"} 0",
        "p2_pushes_total{service=\"apns\",outcome=\"rejected\"} 1",
        "p2_push_seconds_count{service=\"fcm\"} 1", "p2_push_seconds_count{service=\"apns\"} 1",
        "p2_push_workers{service=\"fcm\"} 1", "p2_push_workers{service=\"apns\"} 1"}) {
    CAPTURE(line);
    CHECK(has(text, '\n' + std::string(line) + '\n'));
  }
}

TEST_CASE_METHOD(TwoServices,
                 "A service that calls most targets gone is not believed, and the other one is") {
  const auto [doubted, believed] =
      GENERATE(table<Service, Service>({{Service::apns, Service::fcm}, {Service::fcm, Service::apns}}));
  End& wrong = doubted == Service::fcm ? fcm : apns;
  End& right = doubted == Service::fcm ? apns : fcm;
  for (std::size_t i = 0; i < kPhones; ++i) wrong.willAnswer(outcome(Outcome::Kind::targetGone));
  std::string last;
  for (std::size_t i = 0; i < kPhones; ++i) {
    CHECK(publish(believed, i).empty());  // which vouches for nobody else
    last = publish(doubted, i);
  }
  CHECK(last == kTryLater);
  CHECK(holds(doubted, kPhones - 1));
  CHECK(wrong.dispatcher->targetsSeemGone());
  CHECK_FALSE(right.dispatcher->targetsSeemGone());
  right.willAnswer(outcome(Outcome::Kind::targetGone));
  CHECK(publish(believed, 0) == kItemNotFound);
  CHECK_FALSE(holds(believed, 0));
  CHECK(wrong.dispatcher->targetsSeemGone());
}

TEST_CASE_METHOD(TwoServices,
                 "What counts only while others are delivered to counts only with the same service's") {
  auto mismatch = outcome(Outcome::Kind::targetGone);
  mismatch.onlyIfOthersSucceed = true;
  CHECK(publish(Service::fcm).empty());
  apns.willAnswer(mismatch);
  CHECK(publish(Service::apns, 1) == kTryLater);
  CHECK(publish(Service::apns, 2).empty());
  apns.willAnswer(mismatch);
  CHECK(publish(Service::apns, 1) == kItemNotFound);
}

TEST_CASE_METHOD(TwoServices,
                 "A service that asks for time is left alone, and the other one is not held back") {
  apns.willAnswer(outcome(Outcome::Kind::retry, Outcome::Scope::service));
  CHECK(publish(Service::apns, 0) == kTryLater);
  for (std::size_t i = 1; i < kPhones; ++i) {
    CHECK(publish(Service::apns, i) == kTryLater);
    CHECK(publish(Service::fcm, i).empty());
  }
  CHECK(apns.sent() == 1);
  CHECK(fcm.sent() == kPhones - 1);
  CHECK(metrics.total("p2_push_given_up_total", {{"service", "apns"}, {"reason", "throttled"}}) ==
        kPhones - 1);
  CHECK(metrics.total("p2_push_given_up_total", {{"service", "fcm"}}) == 0);
}

TEST_CASE_METHOD(TwoServices,
                 "That a service delivers again is said of it when it does, not when the other one does") {
  const LogOfProxy log;
  apns.willAnswer(outcome(Outcome::Kind::retry));
  CHECK(publish(Service::apns) == kTryLater);
  REQUIRE(log.texts().size() == 1);
  // A service's faults are news, whatever the other one's were.
  fcm.willAnswer(outcome(Outcome::Kind::retry));
  CHECK(publish(Service::fcm) == kTryLater);
  REQUIRE(log.texts().size() == 2);
  clock.jump(1min);
  CHECK(publish(Service::fcm, 1).empty());
  REQUIRE(log.texts().size() == 3);
  CHECK(has(log.texts()[2], "FCM delivers messages again"));
  CHECK(publish(Service::apns, 1).empty());
  REQUIRE(log.texts().size() == 4);
  CHECK(has(log.texts()[3], "APNs delivers messages again"));
}

TEST_CASE_METHOD(TwoServices,
                 "A push for a device to whose service there is no way waits, and costs it nothing") {
  const auto [without, name] =
      GENERATE(table<Service, std::string>({{Service::fcm, "Android"}, {Service::apns, "Apple"}}));
  const LogOfProxy log;
  proxy::PushProxy::Dispatchers ways{{Service::fcm, *fcm.dispatcher}, {Service::apns, *apns.dispatcher}};
  ways.erase(without);
  proxy =
      std::make_unique<proxy::PushProxy>(proxy::PushProxy::Options{kJid, {}, &clock}, *store, ways, metrics);
  for (const Service service : kServices) {
    CHECK(publish(service, 0) == (service == without ? kTryLater : ""));
    CHECK(publish(service, 1) == (service == without ? kTryLater : ""));
  }
  CHECK(fcm.sent() + apns.sent() == 2);
  CHECK(holds(without, 0));
  REQUIRE(log.texts().size() == 1);
  CHECK(has(log.texts()[0], name));
}
