#include "RemovalGuard.h"
#include "support/Catch.h"
#include "support/LogOf.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Outcome;
using p2::push::RemovalGuard;
using p2::test::ManualClock;
using Event = RemovalGuard::Event;
using Kind = Outcome::Kind;

namespace {

Outcome judged(Kind kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.reason = "test";
  return outcome;
}

Outcome mismatch() {
  Outcome outcome = judged(Kind::targetGone);
  outcome.onlyIfOthersSucceed = true;
  return outcome;
}

struct GuardFixture {
  explicit GuardFixture(std::chrono::milliseconds goneAfter = 0ms)
      : guard{[&] {
          RemovalGuard::Options options;
          options.service = {"abc", "ABC"};
          options.goneAfter = goneAfter;
          options.clock = &clock;
          return options;
        }()} {}

  ManualClock clock;
  RemovalGuard guard;
  int next = 0;
  std::uint64_t generation = 0;
  Event lastEvent = Event::none;

  Kind judgeNode(const std::string& node, Outcome outcome) {
    return judgeNode(node, outcome, "token of " + node);
  }
  Kind judgeNode(const std::string& node, Outcome outcome, const std::string& target) {
    lastEvent = guard.judge({node, "flow", target}, generation, outcome);
    return outcome.kind;
  }
  /// Judges `outcome` for `count` new nodes, one after each `apart`; gives how many removals come of it.
  int judge(int count, const Outcome& outcome, std::chrono::milliseconds apart = 0ms) {
    int removed = 0;
    for (int i = 0; i < count; ++i) {
      if (judgeNode("node" + std::to_string(next++), outcome) == Kind::targetGone) ++removed;
      clock.advance(apart);
    }
    return removed;
  }
};

struct WithGrace : GuardFixture {
  WithGrace() : GuardFixture(1h) {}
};

}  // namespace

TEST_CASE_METHOD(GuardFixture, "A target that is gone is let go while others are delivered") {
  CHECK(judge(50, judged(Kind::delivered)) == 0);
  CHECK(judge(1, judged(Kind::targetGone)) == 1);
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(GuardFixture, "Other outcomes pass unchanged and count for nothing") {
  const auto kind = GENERATE(Kind::retry, Kind::rejected, Kind::misconfigured);
  for (int i = 0; i < 100; ++i) {
    Outcome outcome = judged(kind);
    CHECK(guard.judge({std::to_string(i), "flow", std::to_string(i)}, 0, outcome) == Event::none);
    CHECK(outcome.kind == kind);
    CHECK(outcome.reason == "test");
  }
  judge(19, judged(Kind::targetGone));
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(GuardFixture, "When every target is gone at once the guard trips with the twentieth node") {
  CHECK(judge(19, judged(Kind::targetGone)) == 19);
  Outcome outcome = judged(Kind::targetGone);
  CHECK(guard.judge({"the twentieth", "flow", "token"}, 0, outcome) == Event::tripped);
  CHECK(outcome.kind == Kind::doubted);
  CHECK(outcome.scope == Outcome::Scope::service);
  CHECK(guard.tripped());
  CHECK(judgeNode("the next", judged(Kind::targetGone)) == Kind::doubted);
  CHECK(lastEvent == Event::none);
}

TEST_CASE_METHOD(GuardFixture, "A sudden fault on a busy server costs no more than twenty registrations") {
  judge(10000, judged(Kind::delivered));
  CHECK(judge(10000, judged(Kind::targetGone)) == 20);
}

TEST_CASE("On a quiet server the guard trips with the fifth node, however long that takes") {
  const auto apart = GENERATE(20s, 30s, 35s, 60s, 600s, 86400s);
  CAPTURE(apart.count());
  GuardFixture fixture;
  fixture.judge(200, judged(Kind::delivered));
  CHECK(fixture.judge(200, judged(Kind::targetGone), apart) <= 4);
  CHECK(fixture.guard.tripped());
  CHECK(fixture.judge(1, judged(Kind::delivered)) == 0);
  CHECK(fixture.lastEvent == (fixture.guard.tripped() ? Event::none : Event::cleared));
}

TEST_CASE_METHOD(GuardFixture, "What is delivered ends a row of targets that are gone") {
  for (int round = 0; round < 50; ++round) {
    CHECK(judge(4, judged(Kind::targetGone), 1h) == 4);
    judge(9, judged(Kind::delivered), 1h);
  }
  CHECK_FALSE(guard.tripped());
  for (int n = 0; n < 5; ++n) judge(1, judged(Kind::targetGone), 1h);
  CHECK(guard.tripped());
  judge(1, judged(Kind::delivered));
  CHECK(lastEvent == Event::cleared);
}

TEST_CASE_METHOD(GuardFixture, "Different nodes count, not how often one of them is pushed to") {
  for (int i = 0; i < 1000; ++i) {
    CHECK(judgeNode("same", judged(Kind::targetGone)) == Kind::targetGone);
    clock.advance(1min);
  }
}

TEST_CASE_METHOD(GuardFixture, "A server with four phones never trips") {
  for (int i = 0; i < 1000; ++i) {
    CHECK(judgeNode(std::to_string(i % 4), judged(Kind::targetGone)) == Kind::targetGone);
    clock.advance(1min);
  }
}

TEST_CASE("An old but honest database with a share of its targets gone does not trip") {
  const auto nth = GENERATE(10, 4);
  const auto apart = GENERATE(1ms, 20s);
  GuardFixture fixture;
  int removed = 0;
  for (int i = 0; i < 10000; ++i) {
    removed += fixture.judge(1, judged(i % nth == 0 ? Kind::targetGone : Kind::delivered), apart);
  }
  CHECK(removed == 10000 / nth);
}

TEST_CASE_METHOD(GuardFixture, "Phones that are replaced over the years do not trip a small server") {
  for (int year = 0; year < 100; ++year) {
    for (int n = 0; n < 300; ++n) judgeNode("phone" + std::to_string(n % 10), judged(Kind::delivered));
    clock.advance(8760h);
    CHECK(judge(1, judged(Kind::targetGone)) == 1);
  }
}

TEST_CASE_METHOD(GuardFixture, "The guard clears when deliveries prevail, not before") {
  judge(40, judged(Kind::targetGone));
  REQUIRE(guard.tripped());
  CHECK(judge(30, judged(Kind::delivered)) == 0);
  CHECK(guard.tripped());  // 10 of 40 are gone: a quarter, which is not below it
  judge(1, judged(Kind::delivered));
  CHECK(lastEvent == Event::cleared);
  CHECK_FALSE(guard.tripped());
  CHECK(judge(1, judged(Kind::targetGone)) == 1);
}

TEST_CASE_METHOD(GuardFixture, "A repaired configuration clears the guard on a small server too") {
  for (int i = 0; i < 25; ++i) judgeNode(std::to_string(i), judged(Kind::targetGone));
  REQUIRE(guard.tripped());
  int deliveries = 0;
  while (guard.tripped() && deliveries < 25) judgeNode(std::to_string(deliveries++), judged(Kind::delivered));
  CHECK(deliveries == 19);
}

TEST_CASE_METHOD(GuardFixture, "Silence does not clear the guard, a delivery after it does") {
  judge(30, judged(Kind::targetGone));
  clock.advance(8h);
  CHECK(judge(1, judged(Kind::targetGone)) == 0);
  CHECK(guard.tripped());
  clock.advance(8000h);
  CHECK(guard.tripped());
  judge(24, judged(Kind::delivered));
  CHECK(guard.tripped());
  CHECK(judge(16, judged(Kind::delivered)) == 0);
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(GuardFixture,
                 "A verdict that counts only while others succeed is not believed before one does") {
  CHECK(judge(3, mismatch()) == 0);
  judge(1, judged(Kind::delivered));
  CHECK(judge(1, mismatch()) == 1);
}

TEST_CASE_METHOD(GuardFixture,
                 "A verdict that counts only while others succeed is not believed long after one did") {
  judge(1, judged(Kind::delivered));
  clock.advance(10min + 1s);
  CHECK(judge(1, mismatch()) == 0);
}

TEST_CASE_METHOD(GuardFixture, "Of mismatches in a row only those of three nodes are believed") {
  judge(1000, judged(Kind::delivered));
  for (int i = 0; i < 5; ++i) CHECK(judgeNode("one", mismatch()) == Kind::targetGone);
  CHECK(judge(100, mismatch()) == 2);
  CHECK(guard.tripped());
  for (int i = 0; i < 100; ++i) judge(1, judged(Kind::delivered));
  CHECK(judge(10, mismatch()) == 3);
}

TEST_CASE_METHOD(WithGrace, "A target is removed when it is called gone again after the grace") {
  judge(50, judged(Kind::delivered));
  CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::doubted);
  CHECK(guard.watched() == 1);
  clock.advance(59min);
  CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::doubted);
  clock.advance(1min);
  CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::targetGone);
  CHECK(guard.watched() == 0);
}

TEST_CASE_METHOD(WithGrace,
                 "What is doubted for its grace alone is no fault of ours, and the reason says so") {
  Outcome outcome = judged(Kind::targetGone);
  guard.judge({"phone", "flow", "token"}, 0, outcome);
  CHECK(outcome.kind == Kind::doubted);
  CHECK(outcome.scope == Outcome::Scope::target);
  CHECK(outcome.reason == "test; it is removed if that is said again after abc.goneAfter");
}

TEST_CASE_METHOD(WithGrace, "A delivery ends the grace, and so does a new target") {
  judgeNode("phone", judged(Kind::targetGone));
  judgeNode("other", judged(Kind::targetGone), "old");
  clock.advance(30min);
  judgeNode("phone", judged(Kind::delivered));
  clock.advance(31min);
  CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::doubted);
  CHECK(judgeNode("other", judged(Kind::targetGone), "new") == Kind::doubted);
}

TEST_CASE_METHOD(WithGrace, "The grace can be changed and switched off while targets are in it") {
  judgeNode("phone", judged(Kind::targetGone));
  clock.advance(10min);
  SECTION("shorter") {
    guard.setGoneAfter(10min);
    CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::targetGone);
  }
  SECTION("longer") {
    guard.setGoneAfter(2h);
    clock.advance(1h);
    CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::doubted);
  }
  SECTION("off") {
    guard.setGoneAfter(0ms);
    CHECK(guard.watched() == 0);
    CHECK(judgeNode("phone", judged(Kind::targetGone)) == Kind::targetGone);
  }
}

TEST_CASE_METHOD(WithGrace, "Those that tripped the guard begin their grace anew") {
  judge(1, judged(Kind::delivered));
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < 5; ++n) {
      CHECK(judgeNode("phone" + std::to_string(n), judged(Kind::targetGone)) == Kind::doubted);
      clock.advance(1min);
    }
    REQUIRE(guard.tripped());
    CHECK(guard.watched() == 0);
    clock.advance(2h);
  }
  judgeNode("alive", judged(Kind::delivered));
  CHECK_FALSE(guard.tripped());
  CHECK(judgeNode("phone0", judged(Kind::targetGone)) == Kind::doubted);
  clock.advance(1h);
  CHECK(judgeNode("phone0", judged(Kind::targetGone)) == Kind::targetGone);
}

TEST_CASE("A mistake that is mended within the grace costs nobody anything, whatever its kind and the size") {
  const int phones = GENERATE(5, 200, 10000);
  const bool foreign = GENERATE(false, true);
  CAPTURE(phones, foreign);
  WithGrace p2;
  const auto all = [&](const Outcome& outcome) {
    int removed = 0;
    for (int n = 0; n < phones; ++n) {
      removed += p2.judgeNode("phone" + std::to_string(n), outcome) == Kind::targetGone ? 1 : 0;
      p2.clock.advance(std::chrono::milliseconds(59min) / phones / 2);
    }
    return removed;
  };
  all(judged(Kind::delivered));
  CHECK(all(foreign ? mismatch() : judged(Kind::targetGone)) == 0);
  CHECK(all(foreign ? mismatch() : judged(Kind::targetGone)) == 0);
  // Mended: with other credentials, or by whoever was wrong.
  if (GENERATE(false, true)) p2.guard.credentialsChanged(++p2.generation);
  CHECK(all(judged(Kind::delivered)) == 0);
  CHECK_FALSE(p2.guard.tripped());
  CHECK(p2.guard.watched() == 0);
}

TEST_CASE("With new credentials nothing that the old ones were told counts") {
  GuardFixture fixture(GENERATE(0ms, 3600000ms));
  fixture.judge(1000, judged(Kind::delivered));
  SECTION("deliveries do not vouch for them") {
    fixture.guard.credentialsChanged(++fixture.generation);
    CHECK(fixture.judge(100, mismatch(), 1min) == 0);
  }
  SECTION("what was called gone begins its grace anew, and the guard is not tripped any more") {
    fixture.judge(100, judged(Kind::targetGone));
    REQUIRE(fixture.guard.tripped());
    fixture.guard.credentialsChanged(++fixture.generation);
    CHECK_FALSE(fixture.guard.tripped());
    CHECK(fixture.guard.watched() == 0);
  }
  SECTION("verdicts that are still under way count for nothing") {
    fixture.guard.credentialsChanged(fixture.generation + 1);
    CHECK(fixture.judge(100, judged(Kind::targetGone), 1min) == 0);
    CHECK_FALSE(fixture.guard.tripped());
    CHECK(fixture.guard.watched() == 0);
    fixture.judge(100, judged(Kind::delivered));
    ++fixture.generation;
    CHECK(fixture.judge(3, mismatch()) == 0);
  }
}

TEST_CASE_METHOD(GuardFixture, "The guard judges for several threads at a time") {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 1000; ++i) {
        Outcome outcome = judged(i < 500 ? Kind::targetGone : Kind::delivered);
        guard.judge({std::to_string(thread * 1000 + i), "flow", "token"}, 0, outcome);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  judge(40, judged(Kind::delivered));
  CHECK_FALSE(guard.tripped());
}

TEST_CASE_METHOD(GuardFixture, "One phone counts once, however many nodes it has") {
  CHECK(judge(10, judged(Kind::delivered)) == 0);
  for (int i = 0; i < 40; ++i)
    judgeNode("account" + std::to_string(i), judged(Kind::targetGone), "wiped phone");
  clock.advance(2min);
  for (int i = 0; i < 40; ++i)
    judgeNode("account" + std::to_string(i), judged(Kind::targetGone), "wiped phone");
  CHECK_FALSE(guard.tripped());
  // Nor can one that lives clear what many that are gone have tripped.
  CHECK(judge(60, judged(Kind::targetGone)) < 60);
  REQUIRE(guard.tripped());
  for (int i = 0; i < 40; ++i) judgeNode("alive" + std::to_string(i), judged(Kind::delivered), "one phone");
  CHECK(guard.tripped());
}

TEST_CASE_METHOD(GuardFixture, "That a guard begins anew with other credentials is told, if it had tripped") {
  CHECK(guard.credentialsChanged(++generation) == Event::none);
  judge(60, judged(Kind::targetGone));
  REQUIRE(guard.tripped());
  CHECK(guard.credentialsChanged(++generation) == Event::begunAnew);
  CHECK_FALSE(guard.tripped());
}

TEST_CASE("Each event is one line that names the service, and none is none") {
  const p2::test::LogOf log("push");
  for (const Event event : {Event::none, Event::tripped, Event::cleared, Event::begunAnew}) {
    report(event, {"abc", "ABC"});
  }
  const auto texts = log.texts();
  REQUIRE(texts.size() == 3);
  CHECK(texts[0].starts_with(std::to_string(Poco::Message::PRIO_ERROR) + " ABC calls most targets gone"));
  CHECK(texts[0].find("(abc.*)") != std::string::npos);
  CHECK(texts[1].starts_with(std::to_string(Poco::Message::PRIO_NOTICE) + " ABC delivers messages again"));
  CHECK(texts[2].find("address of ABC") != std::string::npos);
}
