#include "LogOfProxy.h"
#include "ProxyFixture.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using p2::core::Secret;
using p2::core::Target;
using p2::proxy::PushProxy;
using p2::store::Registration;
using p2::test::errorIn;
using p2::test::kDevice;
using p2::test::ManualClock;
using p2::test::ProxyFixture;
using p2::test::valueOf;

namespace {

const std::string kWithdrawal =
    "<command xmlns='http://jabber.org/protocol/commands' node='unregister-push-fcm' action='execute'><x "
    "xmlns='jabber:x:data' type='submit'><field "
    "var='device-id'><value>none</value></field></x></command></iq>";

std::string withdrawal(const std::string& account) {
  return "<iq type='set' id='2' from='" + account + "/x' to='push.example.org'>" + kWithdrawal;
}

bool isHeldBack(const std::string& answer) {
  return answer.find("<error type='wait'><resource-constraint") != std::string::npos;
}

std::string phone(int number) {
  return "user" + std::to_string(number) + "@big.example";
}

/// As phone(i) would be stored with the token "token".
std::vector<Registration> phones(int count, Registration::Time registered) {
  std::vector<Registration> all;
  for (int i = 0; i < count; ++i) {
    Registration one;
    const std::string number = std::to_string(100000 + i);
    one.node = "nodenr" + number;
    one.secret = Secret("secretsecretsecret" + number);
    one.key.device = p2::proxy::deviceHash(phone(i), kDevice);
    one.domain = "big.example";
    one.target = {Target::Kind::registrationToken, Secret("token")};
    one.created = one.lastRegistered = registered;
    all.push_back(std::move(one));
  }
  return all;
}

Registration::Time secondsOf(const ManualClock& clock) {
  return std::chrono::floor<std::chrono::seconds>(clock.wallTime());
}

}  // namespace

TEST_CASE("An account that registers without end leaves its domain's other phones alone") {
  ManualClock clock;
  ProxyFixture p2({}, true, clock);
  int admitted = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string answer = p2.registerPhone("token" + std::to_string(i), "ann@big.example");
    if (errorIn(answer).empty()) ++admitted;
    if (i == 199) CHECK(isHeldBack(answer));
  }
  CHECK(admitted == 90);
  CHECK(isHeldBack(p2.ask(withdrawal("ann@big.example"))));
  CHECK(errorIn(p2.registerPhone("token", "bob@big.example")).empty());
  // What is there already costs her nothing, even now; nor does another device of hers get her more.
  CHECK(errorIn(p2.registerPhone("token89", "ann@big.example")).empty());
  CHECK(isHeldBack(p2.ask(p2::test::registerRequest("ann@big.example", "another device", "token"))));
  clock.advance(1h);
  CHECK(errorIn(p2.registerPhone("token again", "ann@big.example")).empty());
}

TEST_CASE("All phones of a big server come back within five minutes") {
#ifdef P2_SANITIZED  // takes minutes
  constexpr int kPhones = 5000;
#else
  constexpr int kPhones = 50000;
#endif
  constexpr int kAtOnce = kPhones / 10;
  ManualClock clock;
  ProxyFixture p2({}, true, clock);
  auto known = phones(kPhones, secondsOf(clock) - 1h);
  // Every other one is given a new date, which is written.
  for (std::size_t i = 0; i < known.size(); i += 2) known[i].created = known[i].lastRegistered -= 48h;
  REQUIRE(p2::test::importAll(*p2.store, known).value().added == kPhones);
  auto iq = p2::test::request(p2::test::registerRequest(phone(0), kDevice, "token"));
  for (int i = 0; i < kPhones; ++i) {
    iq.from = phone(i) + "/phone";
    p2.proxy->handle(iq, p2::xmpp::Responder(p2.replies, iq.id, iq.from, iq.to));
    clock.advance(std::chrono::duration_cast<ManualClock::Duration>(5min) / kPhones);
    if (i % kAtOnce == kAtOnce - 1) p2.replies.waitFor(static_cast<std::size_t>(i) + 1);
  }
  int refused = 0;
  for (const auto& answer : p2.replies.all()) refused += errorIn(answer).empty() ? 0 : 1;
  CHECK(refused == 0);
  CHECK(p2.store->statistics().registrations == kPhones);
  CHECK(p2.store->find(known[0].node).value()->lastRegistered > known[0].lastRegistered);
}

TEST_CASE("A phone that registers again and again has one date written in a day") {
  ManualClock clock;
  ProxyFixture p2({}, true, clock);
  const std::string node = valueOf(p2.registerPhone("token"), "node");
  std::vector<Registration::Time> dates;
  for (int i = 0; i < 49; ++i) {
    for (int times = 0; times < 20; ++times) REQUIRE(errorIn(p2.registerPhone("token")).empty());
    const auto date = p2.store->find(node).value()->lastRegistered;
    if (dates.empty() || dates.back() != date) dates.push_back(date);
    clock.advance(1h);
  }
  CHECK(dates.size() == 3);  // day 0, 1 and 2
}

TEST_CASE("A domain that withdraws too much is held back like one that registers too much") {
  const p2::test::LogOfProxy log;
  PushProxy::Limits limits;
  limits.registrationsPerMinute = 2;
  ProxyFixture p2(limits);
  REQUIRE(errorIn(p2.registerPhone("token")).empty());
  CHECK(errorIn(p2.ask(withdrawal("eve@jabber.de"))).find("<item-not-found") != std::string::npos);
  CHECK(isHeldBack(p2.ask(withdrawal("eve@jabber.de"))));
  CHECK(isHeldBack(p2.ask(withdrawal("eve@sub.jabber.de"))));
  REQUIRE(log.texts().size() == 1);
  CHECK(log.texts()[0].find("phones of jabber.de register faster") != std::string::npos);
}

TEST_CASE("New registrations of all domains have a limit that those who are known do not feel") {
  PushProxy::Limits limits;
  limits.newRegistrationsPerHour = 4;
  ProxyFixture p2(limits);
  CHECK(errorIn(p2.registerPhone("token", "a@one.example")).empty());
  CHECK(errorIn(p2.registerPhone("token", "b@one.example")).empty());
  CHECK(isHeldBack(p2.registerPhone("token", "c@one.example")));
  CHECK(errorIn(p2.registerPhone("token", "a@two.example")).empty());
  CHECK(isHeldBack(p2.registerPhone("token", "b@two.example")));
  CHECK(errorIn(p2.registerPhone("new token", "a@one.example")).empty());
  CHECK(p2.metrics.render().find("p2_registrations_created_total 3") != std::string::npos);
  CHECK(p2.metrics.render().find("p2_requests_limited_total{limit=\"all\"} 2") != std::string::npos);
}

TEST_CASE("Who asks for much that is not there waits, and who asks for what is there does not") {
  auto limits = p2::test::withoutGrace();
  limits.unknownPerHour = 20;
  ManualClock clock;
  ProxyFixture p2(limits, true, clock);
  const std::string answer = p2.registerPhone("token");
  int notFound = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string error = errorIn(p2.publish("AAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"));
    if (error == p2::test::kItemNotFound) {
      ++notFound;
    } else {
      REQUIRE(error == p2::test::kTryLater);
    }
  }
  CHECK(notFound == 20);
  // A wrong secret for a node that is there looks the same then too.
  CHECK(errorIn(p2.publish(valueOf(answer, "node"), "AAAAAAAAAAAAAAAAAAAAAAAA")) == p2::test::kTryLater);
  CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))).empty());
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", "A", "other.example")) == p2::test::kItemNotFound);
}

TEST_CASE("An empty store says of nobody that it is not there, and that in the log") {
  const p2::test::LogOfProxy log;
  ProxyFixture p2;
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", "A")) == p2::test::kTryLater);
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", "A", "other.example")) == p2::test::kTryLater);
  REQUIRE(log.texts().size() == 1);
  CHECK(log.texts()[0].find("this store is empty") != std::string::npos);
  p2.registerPhone("token");
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", "A")) == p2::test::kItemNotFound);
  // It has had its say, though nobody is left.
  std::string leaving = withdrawal("xiaomia1@jabber.de");
  leaving.replace(leaving.find("none"), 4, kDevice);
  CHECK(errorIn(p2.ask(leaving)).empty());
  CHECK(errorIn(p2.publish("AAAAAAAAAAAA", "A")) == p2::test::kItemNotFound);
}

TEST_CASE("Pushes above a domain's rate are said once in the log, with the domain") {
  const p2::test::LogOfProxy log;
  PushProxy::Limits limits;
  limits.pushesPerSecond = 1;
  limits.pushBurst = 1;
  ManualClock clock;
  ProxyFixture p2(limits, true, clock);
  const std::string answer = p2.registerPhone("token");
  for (int i = 0; i < 50; ++i) {
    CHECK(errorIn(p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"))).empty());
  }
  REQUIRE(log.texts().size() == 1);
  CHECK(log.texts()[0].find("pushes of jabber.de come faster than limits.pushesPerSecond") !=
        std::string::npos);
  clock.advance(10min);
  for (int i = 0; i < 2; ++i) p2.publish(valueOf(answer, "node"), valueOf(answer, "secret"));
  REQUIRE(log.texts().size() == 2);
  CHECK(log.texts()[1].find("48 more since") != std::string::npos);
}
