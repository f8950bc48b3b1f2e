#include "DomainLimits.h"
#include "support/Catch.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>

using p2::proxy::DomainLimits;
using p2::proxy::PushProxy;
using p2::test::ManualClock;

namespace {

PushProxy::Limits options() {
  PushProxy::Limits limits;
  limits.registrationsPerMinute = 60;
  limits.pushesPerSecond = 10;
  limits.pushBurst = 20;
  return limits;
}

int admitted(DomainLimits& limits, const std::string& domain, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limits.admitPush(domain) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("A domain has its burst and then its rate") {
  ManualClock clock;
  DomainLimits limits(options(), clock);
  CHECK(admitted(limits, "a", 100) == 20);
  clock.advance(std::chrono::milliseconds(500));
  CHECK(admitted(limits, "a", 100) == 5);
  clock.advance(std::chrono::hours(1));
  CHECK(admitted(limits, "a", 100) == 20);
}

TEST_CASE("A flood from one domain leaves another's bucket full, and pushes leave registrations alone") {
  ManualClock clock;
  DomainLimits limits(options(), clock);
  admitted(limits, "flood", 1000);
  CHECK(admitted(limits, "quiet", 100) == 20);
  int registrations = 0;
  for (int i = 0; i < 100; ++i) registrations += limits.admitRegistration("flood") ? 1 : 0;
  CHECK(registrations == 60);
}

TEST_CASE("Without a limit everything is admitted") {
  ManualClock clock;
  PushProxy::Limits none = options();
  none.pushesPerSecond = 0;
  none.registrationsPerMinute = 0;
  DomainLimits limits(none, clock);
  CHECK(admitted(limits, "a", 1000) == 1000);
  CHECK(limits.admitRegistration("a"));
}

TEST_CASE("The lists say which domains are served, and the list of the denied wins") {
  ManualClock clock;
  PushProxy::Limits lists = options();
  DomainLimits limits(lists, clock);
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
  DomainLimits limits(options(), clock, 3);
  admitted(limits, "busy", 20);
  for (int i = 0; i < 100; ++i) {
    CHECK_FALSE(limits.admitPush("busy"));
    CHECK(limits.admitPush("domain" + std::to_string(i)));
  }
  CHECK(admitted(limits, "domain0", 100) == 20);
}
