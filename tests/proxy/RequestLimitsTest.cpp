#include "RequestLimits.h"
#include "support/Catch.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>

using p2::core::Secret;
using p2::proxy::Publish;
using p2::proxy::PushProxy;
using p2::proxy::RequestLimits;
using p2::test::ManualClock;
using PushVerdict = RequestLimits::PushVerdict;
using UnknownVerdict = RequestLimits::UnknownVerdict;

namespace {

PushProxy::Limits options() {
  PushProxy::Limits limits;
  limits.registrationsPerMinute = 60;
  limits.pushesPerSecond = 10;
  limits.pushBurst = 20;
  limits.unknownAfter = std::chrono::milliseconds::zero();
  return limits;
}

/// A push for one of very many nodes.
bool admitsPush(RequestLimits& limits, const std::string& domain) {
  static int node = 0;
  return limits.admitPush(domain, std::to_string(++node)) == PushVerdict::admitted;
}

/// Whether the domain is told of a node that is not there.
bool isTold(RequestLimits& limits, const std::string& domain) {
  return limits.admitUnknown({"node", Secret("secret"), domain}) == UnknownVerdict::told;
}

int admitted(RequestLimits& limits, const std::string& domain, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += admitsPush(limits, domain) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("A domain has its burst and then its rate") {
  ManualClock clock;
  RequestLimits limits(options(), clock);
  CHECK(admitted(limits, "a", 100) == 20);
  clock.advance(std::chrono::milliseconds(500));
  CHECK(admitted(limits, "a", 100) == 5);
  clock.advance(std::chrono::hours(1));
  CHECK(admitted(limits, "a", 100) == 20);
}

TEST_CASE("A flood from one domain leaves another's bucket full, and pushes leave registrations alone") {
  ManualClock clock;
  RequestLimits limits(options(), clock);
  admitted(limits, "flood", 1000);
  CHECK(admitted(limits, "quiet", 100) == 20);
  int registrations = 0;
  for (int i = 0; i < 100; ++i) {
    const auto verdict = limits.admitChange("flood", std::to_string(i) + "@flood", false);
    registrations += verdict == RequestLimits::Verdict::admitted ? 1 : 0;
  }
  CHECK(registrations == 60);
}

TEST_CASE("Without a limit everything is admitted") {
  ManualClock clock;
  PushProxy::Limits none = options();
  none.pushesPerSecond = 0;
  none.registrationsPerAccount = 0;
  none.registrationsPerMinute = 0;
  none.newRegistrationsPerHour = 0;
  none.unknownPerHour = 0;
  RequestLimits limits(none, clock);
  CHECK(admitted(limits, "a", 1000) == 1000);
  int changes = 0;
  for (int i = 0; i < 1000; ++i)
    changes += limits.admitChange("a", "a@a", true) == RequestLimits::Verdict::admitted ? 1 : 0;
  CHECK(changes == 1000);
  int unknown = 0;
  for (int i = 0; i < 1000; ++i) unknown += isTold(limits, "a") ? 1 : 0;
  CHECK(unknown == 1000);
}

TEST_CASE("The lists say which domains are served, and the list of the denied wins") {
  ManualClock clock;
  PushProxy::Limits lists = options();
  RequestLimits limits(lists, clock);
  CHECK(limits.serves("anything.example"));
  lists.deny = {"bad.example"};
  limits.reconfigure(lists);
  CHECK(limits.serves("anything.example"));
  CHECK_FALSE(limits.serves("bad.example"));
  lists.allow = {"bad.example", "good.example"};
  limits.reconfigure(lists);
  CHECK(limits.serves("good.example"));
  CHECK_FALSE(limits.serves("bad.example"));
  CHECK_FALSE(limits.serves("anything.example"));
}

TEST_CASE("Memory is bounded however many domains there are, and the busy ones are remembered") {
  ManualClock clock;
  RequestLimits limits(options(), clock, {3, 3});
  admitted(limits, "busy", 20);
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(admitsPush(limits, "busy"));
    CHECK(admitsPush(limits, "domain" + std::to_string(i)));
  }
  CHECK(admitted(limits, "domain0", 100) == 20);
}

namespace {

/// How many changes of `account` are admitted, of `tries`.
int changed(RequestLimits& limits, const std::string& account, int tries, bool creates = false) {
  const std::string domain = account.substr(account.find('@') + 1);
  int count = 0;
  for (int i = 0; i < tries; ++i) {
    count += limits.admitChange(domain, account, creates) == RequestLimits::Verdict::admitted ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("An account over its limit takes nothing from its domain") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.registrationsPerAccount = 6;
  of.accountBurst = 10;
  RequestLimits limits(of, clock);
  CHECK(changed(limits, "ann@big.example", 1000) == 10);
  CHECK(limits.admitChange("big.example", "ann@big.example", false) == RequestLimits::Verdict::account);
  for (int i = 0; i < 50; ++i) CHECK(changed(limits, std::to_string(i) + "@big.example", 1) == 1);
  CHECK(limits.admitChange("big.example", "bob@big.example", false) == RequestLimits::Verdict::domain);
  clock.advance(std::chrono::minutes(20));
  CHECK(changed(limits, "ann@big.example", 1000) == 2);
}

TEST_CASE("A domain that makes up accounts has the others' forgotten no faster than it may register") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.accountBurst = 5;
  of.registrationsPerAccount = 1;
  RequestLimits limits(of, clock, {20, 100});
  CHECK(changed(limits, "ann@big.example", 10) == 5);
  for (int i = 0; i < 1000; ++i) changed(limits, std::to_string(i) + "@evil.example", 1);
  CHECK(changed(limits, "ann@big.example", 10) == 0);
}

TEST_CASE("New registrations have a limit in all, of which one domain leaves half to the others") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.registrationsPerAccount = 0;
  of.registrationsPerMinute = 0;
  of.newRegistrationsPerHour = 3600;
  RequestLimits limits(of, clock);
  CHECK(changed(limits, "a@one.example", 10000, true) == 1800);
  CHECK(limits.admitChange("one.example", "a@one.example", true) == RequestLimits::Verdict::share);
  CHECK(changed(limits, "a@one.example", 100, false) == 100);  // what is there already may change
  CHECK(changed(limits, "a@two.example", 10000, true) == 900);
  CHECK(changed(limits, "a@three.example", 1, true) == 1);
  // In the long run one that takes all it gets has the rate, and what it left to the others stays theirs.
  int taken = 0;
  for (int second = 0; second < 7200; ++second) {
    clock.advance(std::chrono::seconds(1));
    taken += changed(limits, "a@one.example", 5, true);
  }
  CHECK(taken >= 6000);
  CHECK(taken <= 7200);
  CHECK(changed(limits, "b@four.example", 10000, true) >= 600);
}

TEST_CASE("Subdomains share the limits of the domain that was registered") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.registrationsPerAccount = 0;
  RequestLimits limits(of, clock);
  int pushes = 0;
  int registrations = 0;
  int unknown = 0;
  of.unknownPerHour = 30;
  limits.reconfigure(of);
  for (int i = 0; i < 1000; ++i) {
    const std::string domain = "x" + std::to_string(i) + ".evil.example";
    pushes += admitsPush(limits, domain) ? 1 : 0;
    registrations +=
        limits.admitChange(domain, "a@" + domain, true) == RequestLimits::Verdict::admitted ? 1 : 0;
  }
  for (int i = 0; i < 1000; ++i) {
    unknown += isTold(limits, "x" + std::to_string(i) + ".evil.example") ? 1 : 0;
  }
  CHECK(pushes == 20);
  CHECK(registrations == 60);
  CHECK(unknown == 30);
  CHECK_FALSE(admitsPush(limits, "evil.example"));
  CHECK(admitsPush(limits, "honest.example"));
  // The lists go by the domain as it is.
  of.deny = {"evil.example"};
  limits.reconfigure(of);
  CHECK(limits.serves("x1.evil.example"));
}

TEST_CASE("A domain is told of as many that are not there as it pushes to that are, and of a few beyond") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.pushesPerSecond = GENERATE(std::size_t{0}, std::size_t{2000});
  of.pushBurst = 20000;
  RequestLimits limits(of, clock);
  const auto told = [&limits](int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += isTold(limits, "a.example") ? 1 : 0;
    return count;
  };
  CHECK(told(1000) == 10);
  clock.advance(std::chrono::minutes(30));
  CHECK(told(1000) == 5);
  // What is pushed while nothing is told is no credit for later.
  admitted(limits, "a.example", 1000);
  CHECK(told(1000) == 10);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(admitsPush(limits, "a.example"));
    REQUIRE(told(1) == 1);
  }
  CHECK(told(1000) == 0);
}

TEST_CASE("What is asked for, and is not there, is told after its grace, until it is found") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.unknownAfter = std::chrono::hours(1);
  RequestLimits limits(of, clock);
  const Publish asked{"node", Secret("secret"), "a.example"};
  CHECK(limits.admitUnknown(asked) == UnknownVerdict::begins);
  clock.advance(std::chrono::minutes(59));
  CHECK(limits.admitUnknown(asked) == UnknownVerdict::waits);
  SECTION("another secret, node or domain has a grace of its own, and neither harms nor helps") {
    for (const auto& other :
         {Publish{"node", Secret("other"), "a.example"}, Publish{"node2", Secret("secret"), "a.example"},
          Publish{"node", Secret("secret"), "b.a.example"}}) {
      CHECK(limits.admitUnknown(other) == UnknownVerdict::begins);
      CHECK(limits.servesFound(other));
    }
    clock.advance(std::chrono::minutes(1));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
  }
  SECTION("found meanwhile") {
    CHECK(limits.servesFound(asked));
    clock.advance(std::chrono::minutes(1));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::begins);
  }
  SECTION("found later") {
    clock.advance(std::chrono::hours(100));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
    CHECK(limits.servesFound(asked));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::begins);
  }
  SECTION("the grace is changed, and holds for what has begun") {
    of.unknownAfter = std::chrono::minutes(30);
    limits.reconfigure(of);
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
  }
  SECTION("there is none any more, and one again, which begins anew") {
    of.unknownAfter = std::chrono::milliseconds::zero();
    limits.reconfigure(of);
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
    of.unknownAfter = std::chrono::hours(1);
    limits.reconfigure(of);
    clock.advance(std::chrono::hours(2));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::begins);
  }
  SECTION("while its domain is told of many it waits for its turn, and keeps that it has had its time") {
    clock.advance(std::chrono::minutes(1));
    for (int i = 0; i < 10; ++i) CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::limited);
    clock.advance(std::chrono::minutes(6));
    CHECK(limits.admitUnknown(asked) == UnknownVerdict::told);
  }
}

TEST_CASE("Made-up nodes are not watched without bound, and end no other domain's grace") {
  ManualClock clock;
  PushProxy::Limits of = options();
  of.unknownAfter = std::chrono::hours(1);
  RequestLimits::Capacity capacity;
  capacity.unknown = 100;
  RequestLimits limits(of, clock, capacity);
  const Publish honest{"node", Secret("secret"), "honest.example"};
  CHECK(limits.admitUnknown(honest) == UnknownVerdict::begins);
  int begun = 0;
  for (int i = 0; i < 10000; ++i) {
    const Publish madeUp{std::to_string(i), Secret("secret"), std::to_string(i) + ".evil.example"};
    begun += limits.admitUnknown(madeUp) == UnknownVerdict::begins ? 1 : 0;
  }
  CHECK(begun == 99);
  clock.advance(std::chrono::hours(1));
  CHECK(limits.admitUnknown(honest) == UnknownVerdict::told);
}

TEST_CASE("A flood on one node takes nothing from the others of its domain") {
  ManualClock clock;
  auto limited = options();
  limited.pushBurst = 100;
  RequestLimits limits(limited, clock);
  int ofNode = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto verdict = limits.admitPush("evil.example.org", "flooded");
    CHECK(verdict != PushVerdict::domain);
    ofNode += verdict == PushVerdict::admitted ? 1 : 0;
  }
  CHECK(ofNode == 60);
  CHECK(limits.admitPush("honest.example.org", "other") == PushVerdict::admitted);
  clock.advance(std::chrono::seconds(1));
  CHECK(limits.admitPush("evil.example.org", "flooded") == PushVerdict::admitted);
}

TEST_CASE("Of several that serve from one store each allows its part of what grows it or drops users") {
  ManualClock clock;
  auto of = options();
  of.newRegistrationsPerHour = 1200;
  RequestLimits limits(of, clock);
  const auto created = [&](const char* prefix) {
    int count = 0;
    for (int i = 0; i < 3000; ++i) {
      const auto domain = prefix + std::to_string(i) + ".example";
      count += limits.admitChange(domain, "a@" + domain, true) == RequestLimits::Verdict::admitted ? 1 : 0;
    }
    return count;
  };
  const auto told = [&](const char* domain) {
    int count = 0;
    for (int i = 0; i < 100; ++i) count += isTold(limits, domain) ? 1 : 0;
    return count;
  };
  limits.setSharers(3);
  CHECK(created("first") == 400);
  CHECK(told("a.example") == 3);
  CHECK(admitted(limits, "a.example", 100) == 20);
  SECTION("a reload keeps the parts") {
    limits.reconfigure(of);
    CHECK(created("second") == 0);
  }
  SECTION("who is alone again allows all") {
    limits.setSharers(1);
    CHECK(created("second") == 800);
  }
  SECTION("each can do one thing at least") {
    limits.setSharers(1000);
    CHECK(told("b.example") == 1);
  }
}
