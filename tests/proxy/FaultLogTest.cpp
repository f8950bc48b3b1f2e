#include "FaultLog.h"
#include "LogOfProxy.h"
#include "Repeats.h"
#include "support/Catch.h"
#include "support/JumpingClock.h"

#include <string>
#include <vector>

using namespace p2::proxy;
using namespace std::chrono_literals;
using p2::push::Outcome;
using p2::test::LogOfProxy;

namespace {

Outcome outcome(Outcome::Kind kind, const std::string& reason = {}) {
  Outcome made;
  made.kind = kind;
  made.reason = reason;
  return made;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A fault that recurs is one line, and ten minutes later one more that counts") {
  const LogOfProxy log;
  p2::test::JumpingClock clock;
  FaultLog faults({"fcm", "FCM"}, clock);
  for (int i = 0; i < 1000; ++i) faults.note(outcome(Outcome::Kind::retry, "FCM answered 503"));
  REQUIRE(log.texts().size() == 1);
  CHECK(contains(log.texts()[0], "4 a push to FCM failed: FCM answered 503; the server was asked to wait"));
  faults.note(outcome(Outcome::Kind::misconfigured, "FCM answered 403"));
  REQUIRE(log.texts().size() == 2);
  CHECK(contains(log.texts()[1], "3 a push to FCM failed: FCM answered 403 (this needs you"));
  clock.jump(10min);
  faults.note(outcome(Outcome::Kind::retry, "FCM answered 503"));
  REQUIRE(log.texts().size() == 3);
  CHECK(contains(log.texts()[2], "999 more since the last such line"));
}

TEST_CASE("That messages are delivered again is told once, and only after a while without") {
  const LogOfProxy log;
  p2::test::JumpingClock clock;
  FaultLog faults({"fcm", "FCM"}, clock);
  faults.note(outcome(Outcome::Kind::retry, "x"));
  faults.note(outcome(Outcome::Kind::delivered));
  CHECK(log.texts().size() == 1);
  faults.note(outcome(Outcome::Kind::retry, "x"));
  clock.jump(1min);
  for (int i = 0; i < 3; ++i) faults.note(outcome(Outcome::Kind::delivered));
  REQUIRE(log.texts().size() == 2);
  CHECK(log.texts()[1] == "5 FCM delivers messages again");
}

TEST_CASE("Reasons that all differ fill neither the memory nor the log") {
  Repeats repeats;
  const auto now = p2::core::Clock::TimePoint{};
  CHECK(repeats.admit("first", now) == 0U);
  CHECK_FALSE(repeats.admit("first", now));
  std::size_t lines = 0;
  for (int i = 0; i < 10000; ++i) lines += repeats.admit(std::to_string(i), now) ? 1 : 0;
  CHECK(lines == Repeats::kMost);  // all but one have a line of their own, and the others one
  CHECK_FALSE(repeats.admit("first", now));
  // Later they make room for what there is then.
  const auto later = now + Repeats::kEvery;
  CHECK(repeats.admit("another", later) == 0U);
  CHECK_FALSE(repeats.admit("another", later));
  CHECK(repeats.admit("one more", later) == 0U);
}

TEST_CASE("A target that seems to be gone is news for the log and no fault, unless the fault is ours") {
  const LogOfProxy log;
  p2::test::JumpingClock clock;
  FaultLog faults({"fcm", "FCM"}, clock);
  Outcome doubted = outcome(Outcome::Kind::doubted, "FCM answered 404");
  for (int i = 0; i < 100; ++i) faults.note(doubted);
  REQUIRE(log.texts().size() == 1);
  CHECK(contains(log.texts()[0],
                 std::to_string(Poco::Message::PRIO_INFORMATION) + " a target of FCM seems to be gone"));
  faults.note(outcome(Outcome::Kind::delivered));
  CHECK(log.texts().size() == 1);

  doubted.scope = Outcome::Scope::service;
  doubted.reason = "FCM answered 403";
  faults.note(doubted);
  REQUIRE(log.texts().size() == 2);
  CHECK(contains(log.texts()[1],
                 std::to_string(Poco::Message::PRIO_WARNING) + " a push to FCM failed: FCM answered 403"));
}
