#include "Brake.h"
#include "support/Catch.h"

#include <chrono>
#include <limits>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Brake;
using p2::push::Outcome;

namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kWorkers = 8;
const Brake::TimePoint kStart{1000h};

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
bool send(Brake& brake, const Outcome& outcome, Brake::TimePoint now) {
  return brake.end(brake.start(), outcome, now, kWorkers);
}

}  // namespace

TEST_CASE("A brake that is not engaged limits nothing") {
  Brake brake({}, 1);
  CHECK(brake.allowance(kStart) == kUnlimited);
  send(brake, of(Outcome::Kind::delivered), kStart);
  CHECK(brake.allowance(kStart) == kUnlimited);
}

TEST_CASE("A brake holds for the time that is asked for") {
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
  Brake brake({}, 1);
  CHECK(send(brake, row.outcome, kStart));
  CHECK(brake.until() >= kStart + row.least);
  CHECK(brake.until() <= kStart + row.most);
  CHECK(brake.allowance(kStart) == 0);
  CHECK(brake.allowance(brake.until() - 1ns) == 0);
  CHECK(brake.allowance(brake.until()) == 1);
}

TEST_CASE("Outcomes that do not speak of the push service as a whole engage no brake") {
  const auto kind = GENERATE(Outcome::Kind::delivered, Outcome::Kind::targetGone, Outcome::Kind::retry,
                             Outcome::Kind::rejected, Outcome::Kind::misconfigured);
  Brake brake({}, 1);
  Outcome outcome = of(kind);
  outcome.retryAfter = 10s;
  for (int i = 0; i < 100; ++i) CHECK_FALSE(send(brake, outcome, kStart));
  CHECK(brake.allowance(kStart) == kUnlimited);
}

TEST_CASE("After the brake one message is let through, then one more for every success") {
  Brake brake({}, 1);
  send(brake, throttled(1s), kStart);
  const auto now = brake.until();
  std::vector<std::size_t> rounds;
  while (brake.allowance(now) != kUnlimited) {
    std::vector<Brake::Epoch> running;
    while (brake.allowance(now) > 0) running.push_back(brake.start());
    rounds.push_back(running.size());
    for (const auto epoch : running) brake.end(epoch, of(Outcome::Kind::delivered), now, kWorkers);
  }
  CHECK(rounds == std::vector<std::size_t>{1, 2, 4, 8});
}

TEST_CASE("A probe that meets a passing fault of its own is followed by another single one") {
  Brake brake({}, 1);
  send(brake, throttled(1s), kStart);
  const auto now = brake.until();
  const auto probe = brake.start();
  CHECK(brake.allowance(now) == 0);
  brake.end(probe, of(Outcome::Kind::retry), now, kWorkers);
  CHECK(brake.allowance(now) == 1);
}

TEST_CASE("Brakes for server errors double while probes fail and are short again after a success") {
  Brake brake({}, 1);
  auto now = kStart;
  std::chrono::milliseconds bound = 250ms;
  auto longest = 0ms;
  for (int i = 0; i < 12; ++i) {
    CHECK(send(brake, throttled(), now));
    const auto held = std::chrono::duration_cast<std::chrono::milliseconds>(brake.until() - now);
    CHECK(held >= 125ms);
    CHECK(held <= std::min(bound, std::chrono::milliseconds(60s)) + 125ms);
    longest = std::max(longest, held);
    bound *= 2;
    now = brake.until();
  }
  CHECK(longest > 10s);
  send(brake, of(Outcome::Kind::delivered), now);
  CHECK(send(brake, throttled(), now));
  CHECK(brake.until() - now <= 375ms);
}

TEST_CASE("Messages under way when the brake is engaged do not prolong it when they fail too") {
  Brake brake({}, 1);
  std::vector<Brake::Epoch> running(100);
  for (auto& epoch : running) epoch = brake.start();
  brake.end(running[0], throttled(), kStart, kWorkers);
  const auto until = brake.until();
  for (std::size_t i = 1; i < running.size(); ++i) {
    CHECK_FALSE(brake.end(running[i], throttled(), kStart + 1ms, kWorkers));
  }
  CHECK(brake.until() == until);
  CHECK(brake.allowance(until) == 1);
}

TEST_CASE("A late Retry-After prolongs the brake, a shorter one does not cut it") {
  Brake brake({}, 1);
  const auto a = brake.start();
  const auto b = brake.start();
  const auto c = brake.start();
  brake.end(a, throttled(5s), kStart, kWorkers);
  CHECK_FALSE(brake.end(b, throttled(2s), kStart, kWorkers));
  CHECK(brake.until() == kStart + 5s);
  CHECK(brake.end(c, throttled(9s), kStart, kWorkers));
  CHECK(brake.until() == kStart + 9s);
}

TEST_CASE("A message from before the brake that gets through lifts nothing") {
  Brake brake({}, 1);
  const auto early = brake.start();
  send(brake, throttled(1s), kStart);
  brake.end(early, of(Outcome::Kind::delivered), kStart, kWorkers);
  CHECK(brake.allowance(brake.until()) == 1);
}

TEST_CASE("A single server error among many successes does not engage the brake, a series does") {
  Brake brake({}, 1);
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 50; ++i) send(brake, of(Outcome::Kind::delivered), kStart);
    CHECK_FALSE(send(brake, throttled(30s), kStart));
  }
  CHECK(brake.allowance(kStart) == kUnlimited);
  int failures = 0;
  while (brake.allowance(kStart) == kUnlimited && failures < 100) {
    send(brake, throttled(), kStart);
    ++failures;
  }
  CHECK(failures <= 5);
}
