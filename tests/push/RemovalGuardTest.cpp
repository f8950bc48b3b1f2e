#include "p2/push/RemovalGuard.h"
#include "support/Catch.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using p2::core::Clock;
using p2::push::RemovalGuard;
using p2::push::Outcome;
using p2::test::ManualClock;
using Event = RemovalGuard::Event;
using Kind = Outcome::Kind;

namespace {

Outcome of(Kind kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.reason = "test";
  return outcome;
}

Outcome mismatch() {
  Outcome outcome = of(Kind::targetGone);
  outcome.onlyIfOthersSucceed = true;
  return outcome;
}

struct Fixture {
  ManualClock clock;
  RemovalGuard guard{[this] {
    RemovalGuard::Options options;
    options.clock = &clock;
    return options;
  }()};
  int next = 0;

  /// Judges `outcome` for `count` new nodes; gives how many removals come of it.
  int judge(int count, const Outcome& outcome) {
    int removed = 0;
    for (int i = 0; i < count; ++i) {
      const auto judgement = guard.judge("node" + std::to_string(next++), outcome);
      if (judgement.outcome.kind == Kind::targetGone) ++removed;
    }
    return removed;
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "A target that is gone is let go while others are delivered") {
  CHECK(judge(50, of(Kind::delivered)) == 0);
  CHECK(judge(1, of(Kind::targetGone)) == 1);
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(Fixture, "Other outcomes pass unchanged and count for nothing") {
  const auto kind = GENERATE(Kind::retry, Kind::rejected, Kind::misconfigured);
  for (int i = 0; i < 100; ++i) {
    const auto judgement = guard.judge(std::to_string(i), of(kind));
    CHECK(judgement.outcome.kind == kind);
    CHECK(judgement.outcome.reason == "test");
    CHECK(judgement.event == Event::none);
  }
  judge(19, of(Kind::targetGone));
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(Fixture, "A delivery passes with its replacement") {
  Outcome outcome = of(Kind::delivered);
  outcome.replacement = p2::core::Target{p2::core::Target::Kind::registrationToken, p2::core::Secret("new")};
  const auto judgement = guard.judge("node", outcome);
  REQUIRE(judgement.outcome.replacement);
  CHECK(judgement.outcome.replacement->value.equals("new"));
}

TEST_CASE_METHOD(Fixture, "When every target is gone at once the guard trips with the twentieth node") {
  CHECK(judge(19, of(Kind::targetGone)) == 19);
  const auto judgement = guard.judge("the twentieth", of(Kind::targetGone));
  CHECK(judgement.event == Event::tripped);
  CHECK(judgement.outcome.kind == Kind::retry);
  CHECK(guard.tripped());
  const auto later = guard.judge("the next", of(Kind::targetGone));
  CHECK(later.event == Event::none);
  CHECK(later.outcome.kind == Kind::retry);
}

TEST_CASE_METHOD(Fixture, "A sudden fault on a busy server costs no more than twenty registrations") {
  judge(10000, of(Kind::delivered));
  CHECK(judge(10000, of(Kind::targetGone)) == 20);
}

TEST_CASE_METHOD(Fixture, "Different nodes count, not how often one of them is pushed to") {
  for (int i = 0; i < 1000; ++i) {
    CHECK(guard.judge("same", of(Kind::targetGone)).outcome.kind == Kind::targetGone);
  }
}

TEST_CASE_METHOD(Fixture, "A server with three phones never trips") {
  for (int i = 0; i < 1000; ++i) {
    CHECK(guard.judge(std::to_string(i % 3), of(Kind::targetGone)).outcome.kind == Kind::targetGone);
  }
}

TEST_CASE_METHOD(Fixture, "An old but honest database with a tenth of its targets gone does not trip") {
  int removed = 0;
  for (int i = 0; i < 10000; ++i) removed += judge(1, of(i % 10 == 0 ? Kind::targetGone : Kind::delivered));
  CHECK(removed == 1000);
}

TEST_CASE_METHOD(Fixture, "The guard clears when deliveries prevail, not before") {
  judge(40, of(Kind::targetGone));
  REQUIRE(guard.tripped());
  CHECK(judge(30, of(Kind::delivered)) == 0);
  CHECK(guard.tripped());  // 10 of 40 are gone: a quarter, which is not below it
  CHECK(guard.judge("one more", of(Kind::delivered)).event == Event::cleared);
  CHECK_FALSE(guard.tripped());
  CHECK(judge(1, of(Kind::targetGone)) == 1);
}

TEST_CASE_METHOD(Fixture, "A repaired configuration clears the guard on a small server too") {
  for (int i = 0; i < 25; ++i) guard.judge(std::to_string(i), of(Kind::targetGone));
  REQUIRE(guard.tripped());
  int deliveries = 0;
  while (guard.tripped() && deliveries < 25) {
    guard.judge(std::to_string(deliveries++), of(Kind::delivered));
  }
  CHECK(deliveries == 19);
}

TEST_CASE_METHOD(Fixture, "Verdicts older than the window are forgotten") {
  judge(19, of(Kind::targetGone));
  clock.advance(10min + 1s);
  CHECK(judge(19, of(Kind::targetGone)) == 19);
  CHECK(judge(1, of(Kind::targetGone)) == 0);
}

TEST_CASE_METHOD(Fixture, "Silence does not clear the guard, a delivery after it does") {
  judge(30, of(Kind::targetGone));
  clock.advance(8h);
  CHECK(judge(1, of(Kind::targetGone)) == 0);
  CHECK(guard.tripped());
  clock.advance(8h);
  CHECK(guard.judge("alive", of(Kind::delivered)).event == Event::cleared);
}

TEST_CASE_METHOD(Fixture, "A verdict that counts only while others succeed is not believed before one does") {
  CHECK(judge(5, mismatch()) == 0);
  judge(1, of(Kind::delivered));
  CHECK(judge(1, mismatch()) == 1);
}

TEST_CASE_METHOD(Fixture,
                 "A verdict that counts only while others succeed is not believed long after one did") {
  judge(1, of(Kind::delivered));
  clock.advance(10min + 1s);
  CHECK(judge(1, mismatch()) == 0);
}

TEST_CASE_METHOD(Fixture,
                 "Of mismatches in a row only a few are believed until something is delivered again") {
  judge(1000, of(Kind::delivered));
  CHECK(judge(100, mismatch()) == 3);
  CHECK_FALSE(guard.tripped());
  judge(1, of(Kind::delivered));
  CHECK(judge(100, mismatch()) == 3);
}

TEST_CASE_METHOD(Fixture, "The guard judges for several threads at a time") {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 1000; ++i) {
        guard.judge(std::to_string(thread * 1000 + i), of(i < 500 ? Kind::targetGone : Kind::delivered));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  judge(40, of(Kind::delivered));
  CHECK_FALSE(guard.tripped());
}
