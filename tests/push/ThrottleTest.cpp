#include "Throttle.h"
#include "support/Catch.h"

#include <chrono>
#include <limits>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Throttle;
using p2::push::Outcome;

namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kWorkers = 8;
const Throttle::TimePoint kStart{1000h};

Outcome throttled(std::optional<std::chrono::milliseconds> retryAfter = {}) {
  Outcome outcome;
  outcome.throttled = true;
  outcome.retryAfter = retryAfter;
  return outcome;
}

Outcome quota() {
  Outcome outcome = throttled();
  outcome.quotaExceeded = true;
  return outcome;
}

Outcome of(Outcome::Kind kind) {
  Outcome outcome;
  outcome.kind = kind;
  return outcome;
}

/// One message after the other: starts and ends.
bool send(Throttle& throttle, const Outcome& outcome, Throttle::TimePoint now) {
  return throttle.end(throttle.start(), outcome, now, kWorkers);
}

}  // namespace

TEST_CASE("A throttle that is not engaged limits nothing") {
  Throttle throttle({}, 1);
  CHECK(throttle.allowance(kStart) == kUnlimited);
  send(throttle, of(Outcome::Kind::delivered), kStart);
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

TEST_CASE("A throttle holds for the time that is asked for") {
  struct Case {
    const char* what;
    Outcome outcome;
    std::chrono::milliseconds least;
    std::chrono::milliseconds most;
  };
  const auto row = GENERATE(values<Case>({{"Retry-After", throttled(7s), 7s, 7s},
                                          {"Retry-After beyond reason", throttled(1000h), 10min, 10min},
                                          {"quota without Retry-After", quota(), 60s, 60s},
                                          {"server error", throttled(), 125ms, 375ms},
                                          {"Retry-After of zero", throttled(0ms), 125ms, 375ms}}));
  CAPTURE(row.what);
  Throttle throttle({}, 1);
  CHECK(send(throttle, row.outcome, kStart));
  CHECK(throttle.until() >= kStart + row.least);
  CHECK(throttle.until() <= kStart + row.most);
  CHECK(throttle.allowance(kStart) == 0);
  CHECK(throttle.allowance(throttle.until() - 1ns) == 0);
  CHECK(throttle.allowance(throttle.until()) == 1);
}

TEST_CASE("Outcomes that do not speak of the push service as a whole engage no throttle") {
  const auto kind = GENERATE(Outcome::Kind::delivered, Outcome::Kind::targetGone, Outcome::Kind::retry,
                             Outcome::Kind::rejected, Outcome::Kind::misconfigured);
  Throttle throttle({}, 1);
  Outcome outcome = of(kind);
  outcome.retryAfter = 10s;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(send(throttle, outcome, kStart));
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

TEST_CASE("After the throttle one message is let through, then one more for every success") {
  Throttle throttle({}, 1);
  send(throttle, throttled(1s), kStart);
  const auto now = throttle.until();
  std::vector<std::size_t> rounds;
  while (throttle.allowance(now) != kUnlimited) {
    std::vector<Throttle::Epoch> running;
    while (throttle.allowance(now) > 0) running.push_back(throttle.start());
    rounds.push_back(running.size());
    for (const auto epoch : running) throttle.end(epoch, of(Outcome::Kind::delivered), now, kWorkers);
  }
  CHECK(rounds == std::vector<std::size_t>{1, 2, 4, 8});
}

TEST_CASE("A probe that meets a passing fault of its own is followed by another single one") {
  Throttle throttle({}, 1);
  send(throttle, throttled(1s), kStart);
  const auto now = throttle.until();
  const auto probe = throttle.start();
  CHECK(throttle.allowance(now) == 0);
  throttle.end(probe, of(Outcome::Kind::retry), now, kWorkers);
  CHECK(throttle.allowance(now) == 1);
}

TEST_CASE("Throttles for server errors double while probes fail and are short again after a success") {
  Throttle throttle({}, 1);
  auto now = kStart;
  std::chrono::milliseconds bound = 250ms;
  auto longest = 0ms;
  for (int i = 0; i < 12; ++i) {
    CHECK(send(throttle, throttled(), now));
    const auto held = std::chrono::duration_cast<std::chrono::milliseconds>(throttle.until() - now);
    CHECK(held >= 125ms);
    CHECK(held <= std::min(bound, std::chrono::milliseconds(60s)) + 125ms);
    longest = std::max(longest, held);
    bound *= 2;
    now = throttle.until();
  }
  CHECK(longest > 10s);
  send(throttle, of(Outcome::Kind::delivered), now);
  CHECK(send(throttle, throttled(), now));
  CHECK(throttle.until() - now <= 375ms);
}

TEST_CASE("Messages under way when the throttle is engaged do not prolong it when they fail too") {
  Throttle throttle({}, 1);
  std::vector<Throttle::Epoch> running(100);
  for (auto& epoch : running) epoch = throttle.start();
  throttle.end(running[0], throttled(), kStart, kWorkers);
  const auto until = throttle.until();
  for (std::size_t i = 1; i < running.size(); ++i) {
    CHECK_FALSE(throttle.end(running[i], throttled(), kStart + 1ms, kWorkers));
  }
  CHECK(throttle.until() == until);
  CHECK(throttle.allowance(until) == 1);
}

TEST_CASE("A late Retry-After prolongs the throttle, a shorter one does not cut it") {
  Throttle throttle({}, 1);
  const auto a = throttle.start();
  const auto b = throttle.start();
  const auto c = throttle.start();
  throttle.end(a, throttled(5s), kStart, kWorkers);
  CHECK_FALSE(throttle.end(b, throttled(2s), kStart, kWorkers));
  CHECK(throttle.until() == kStart + 5s);
  CHECK(throttle.end(c, throttled(9s), kStart, kWorkers));
  CHECK(throttle.until() == kStart + 9s);
}

TEST_CASE("A message from before the throttle that gets through lifts nothing") {
  Throttle throttle({}, 1);
  const auto early = throttle.start();
  send(throttle, throttled(1s), kStart);
  throttle.end(early, of(Outcome::Kind::delivered), kStart, kWorkers);
  CHECK(throttle.allowance(throttle.until()) == 1);
}

TEST_CASE("A single server error among many successes does not engage the throttle, a series does") {
  Throttle throttle({}, 1);
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 50; ++i) send(throttle, of(Outcome::Kind::delivered), kStart);
    CHECK_FALSE(send(throttle, throttled(30s), kStart));
  }
  CHECK(throttle.allowance(kStart) == kUnlimited);
  int failures = 0;
  while (throttle.allowance(kStart) == kUnlimited && failures < 100) {
    send(throttle, throttled(), kStart);
    ++failures;
  }
  CHECK(failures <= 5);
}
