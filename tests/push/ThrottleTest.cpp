#include "Throttle.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Outcome;
using p2::push::Throttle;

namespace {

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kWorkers = 8;
const Throttle::TimePoint kStart{1000h};

Outcome of(Outcome::Kind kind, Outcome::Scope scope = Outcome::Scope::target,
           std::optional<std::chrono::milliseconds> retryAfter = {}) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.scope = scope;
  outcome.retryAfter = retryAfter;
  return outcome;
}

Outcome heldBack(std::optional<std::chrono::milliseconds> retryAfter = {}) {
  return of(Outcome::Kind::retry, Outcome::Scope::service, retryAfter);
}

Outcome success() {
  return of(Outcome::Kind::delivered);
}

/// One message after the other: starts and ends.
bool send(Throttle& throttle, const Outcome& outcome, Throttle::TimePoint now, std::size_t target = 0) {
  return throttle.end(throttle.start(), target, outcome, now, kWorkers);
}

/// Engages it and lets `count` messages through, each to a target of its own, so that it recovers. Gives
/// when.
Throttle::TimePoint recovered(Throttle& throttle, std::size_t count, std::size_t lift) {
  send(throttle, heldBack(), kStart);
  const auto now = throttle.until();
  for (std::size_t n = 0; n < count; ++n) throttle.end(throttle.start(), 100 + n, success(), now, lift);
  return now;
}

}  // namespace

TEST_CASE("A throttle that is not engaged limits nothing") {
  Throttle throttle({}, 1);
  CHECK(throttle.allowance(kStart) == kUnlimited);
  send(throttle, success(), kStart);
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

TEST_CASE("A throttle holds for the time that is asked for") {
  struct Case {
    const char* what;
    Outcome outcome;
    std::chrono::milliseconds least;
    std::chrono::milliseconds most;
  };
  const auto row = GENERATE(values<Case>(
      {{"Retry-After", heldBack(7s), 7s, 7s},
       {"Retry-After beyond reason", heldBack(1000h), 10min, 10min},
       {"server error", heldBack(), 125ms, 375ms},
       {"the account may not send", of(Outcome::Kind::misconfigured, Outcome::Scope::service), 125ms, 375ms},
       {"Retry-After of zero", heldBack(0ms), 125ms, 375ms}}));
  CAPTURE(row.what);
  Throttle throttle({}, 1);
  CHECK(send(throttle, row.outcome, kStart));
  CHECK(throttle.until() >= kStart + row.least);
  CHECK(throttle.until() <= kStart + row.most);
  CHECK(throttle.allowance(kStart) == 0);
  CHECK(throttle.allowance(throttle.until() - 1ns) == 0);
  CHECK(throttle.allowance(throttle.until()) == 1);
}

TEST_CASE("Outcomes of a single target engage no throttle") {
  const auto kind = GENERATE(Outcome::Kind::delivered, Outcome::Kind::targetGone, Outcome::Kind::doubted,
                             Outcome::Kind::retry, Outcome::Kind::rejected, Outcome::Kind::misconfigured);
  Throttle throttle({}, 1);
  for (int i = 0; i < 100; ++i) CHECK_FALSE(send(throttle, of(kind, Outcome::Scope::target, 10s), kStart));
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

TEST_CASE("After the throttle one message is let through, then one more for every success") {
  Throttle throttle({}, 1);
  send(throttle, heldBack(1s), kStart);
  const auto now = throttle.until();
  std::vector<std::size_t> rounds;
  while (throttle.allowance(now) != kUnlimited) {
    std::vector<Throttle::Epoch> running;
    while (throttle.allowance(now) > 0) running.push_back(throttle.start());
    rounds.push_back(running.size());
    for (const auto epoch : running) throttle.end(epoch, 0, success(), now, kWorkers);
  }
  CHECK(rounds == std::vector<std::size_t>{1, 2, 4, 8});
}

TEST_CASE("A probe that meets a passing fault of its own is followed by another single one") {
  Throttle throttle({}, 1);
  send(throttle, heldBack(1s), kStart);
  const auto now = throttle.until();
  const auto probe = throttle.start();
  CHECK(throttle.allowance(now) == 0);
  throttle.end(probe, 0, of(Outcome::Kind::retry), now, kWorkers);
  CHECK(throttle.allowance(now) == 1);
}

TEST_CASE("Throttles for server errors double while probes fail and are short again after a success") {
  Throttle throttle({}, 1);
  auto now = kStart;
  std::chrono::milliseconds bound = 250ms;
  auto longest = 0ms;
  for (int i = 0; i < 12; ++i) {
    CHECK(send(throttle, heldBack(), now));
    const auto held = std::chrono::duration_cast<std::chrono::milliseconds>(throttle.until() - now);
    CHECK(held >= 125ms);
    CHECK(held <= std::min(bound, std::chrono::milliseconds(10s)) + 125ms);
    longest = std::max(longest, held);
    bound *= 2;
    now = throttle.until();
  }
  CHECK(longest > 5s);
  send(throttle, success(), now);
  CHECK(send(throttle, heldBack(), now));
  CHECK(throttle.until() - now <= 375ms);
}

TEST_CASE("Messages under way when the throttle is engaged do not prolong it when they fail too") {
  Throttle throttle({}, 1);
  std::vector<Throttle::Epoch> running(100);
  for (auto& epoch : running) epoch = throttle.start();
  throttle.end(running[0], 0, heldBack(), kStart, kWorkers);
  const auto until = throttle.until();
  for (std::size_t i = 1; i < running.size(); ++i) {
    CHECK_FALSE(throttle.end(running[i], 0, heldBack(), kStart + 1ms, kWorkers));
  }
  CHECK(throttle.until() == until);
  CHECK(throttle.allowance(until) == 1);
}

TEST_CASE("A late Retry-After prolongs the throttle, a shorter one does not cut it") {
  Throttle throttle({}, 1);
  const auto a = throttle.start();
  const auto b = throttle.start();
  const auto c = throttle.start();
  throttle.end(a, 0, heldBack(5s), kStart, kWorkers);
  CHECK_FALSE(throttle.end(b, 0, heldBack(2s), kStart, kWorkers));
  CHECK(throttle.until() == kStart + 5s);
  CHECK(throttle.end(c, 0, heldBack(9s), kStart, kWorkers));
  CHECK(throttle.until() == kStart + 9s);
}

TEST_CASE("A message from before the throttle that gets through lifts nothing") {
  Throttle throttle({}, 1);
  const auto early = throttle.start();
  send(throttle, heldBack(1s), kStart);
  throttle.end(early, 0, success(), kStart, kWorkers);
  CHECK(throttle.allowance(throttle.until()) == 1);
}

TEST_CASE("A single server error among many successes does not engage the throttle, a series does") {
  Throttle throttle({}, 1);
  std::size_t target = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 50; ++i) send(throttle, success(), kStart, ++target);
    CHECK_FALSE(send(throttle, heldBack(30s), kStart, ++target));
  }
  CHECK(throttle.allowance(kStart) == kUnlimited);
  int failures = 0;
  while (throttle.allowance(kStart) == kUnlimited && failures < 100) {
    send(throttle, heldBack(), kStart, ++target);
    ++failures;
  }
  CHECK(failures <= 8);
}

TEST_CASE("What one target meets with counts once, however often it is pushed to") {
  const auto scope = GENERATE(Outcome::Scope::target, Outcome::Scope::service);
  Throttle throttle({}, 1);
  for (std::size_t n = 0; n < 3; ++n) send(throttle, success(), kStart, 100 + n);
  for (int n = 0; n < 1000; ++n) {
    CHECK_FALSE(send(throttle, of(Outcome::Kind::retry, scope, 60s), kStart, 1));
  }
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

TEST_CASE("Faults of single targets engage when four different ones have them and none fared better") {
  const auto kind = GENERATE(Outcome::Kind::retry, Outcome::Kind::misconfigured);
  Throttle throttle({}, 1);
  for (std::size_t target = 1; target < 4; ++target) {
    CHECK_FALSE(send(throttle, of(kind, Outcome::Scope::target, 60s), kStart, target));
  }
  SECTION("none") {
    CHECK(send(throttle, of(kind, Outcome::Scope::target, 60s), kStart, 4));
    CHECK(throttle.until() <= kStart + 375ms);  // what a single target shall wait is not for all
  }
  SECTION("one did") {
    send(throttle, success(), kStart, 5);
    for (std::size_t target = 6; target < 17; ++target) {
      CHECK_FALSE(send(throttle, of(kind, Outcome::Scope::target, 60s), kStart, target));
    }
  }
}

TEST_CASE("In recovery a fault among many successes costs nothing, a row of them halves or engages") {
  constexpr std::size_t kMany = 1000;
  Throttle throttle({}, 1);
  const auto now = recovered(throttle, 100, kMany);
  REQUIRE(throttle.allowance(now) == 101);
  std::size_t target = 1000;
  const auto fail = [&](std::optional<std::chrono::milliseconds> after = {}) {
    return throttle.end(throttle.start(), ++target, heldBack(after), now, kMany);
  };
  SECTION("one, also if it asks for time") {
    CHECK_FALSE(fail(60s));
    CHECK(throttle.allowance(now) == 101);
  }
  SECTION("eight in a row") {
    for (int n = 0; n < 8; ++n) CHECK_FALSE(fail());
    CHECK(throttle.allowance(now) == 50);
    CHECK_FALSE(fail());  // they were under way at the same time: it is not halved for each
    CHECK(throttle.allowance(now) == 50);
  }
  SECTION("a quarter of the last 64") {
    int faults = 0;
    while (throttle.allowance(now) >= 101 && faults < 100) {
      CHECK_FALSE(fail());
      ++faults;
      throttle.end(throttle.start(), ++target, success(), now, kMany);
    }
    CHECK(faults == 16);
  }
  SECTION("eight in a row, which ask for time") {
    for (int n = 0; n < 7; ++n) CHECK_FALSE(fail(60s));
    CHECK(fail(60s));
    CHECK(throttle.until() == now + 60s);
  }
}

TEST_CASE("A throttle that begins anew lets go at once, and what started before counts for nothing") {
  Throttle throttle({}, 1);
  const auto early = throttle.start();
  send(throttle, heldBack(60s), kStart);
  throttle.reset();
  CHECK(throttle.allowance(kStart) == kUnlimited);
  throttle.end(early, 1, heldBack(60s), kStart, kWorkers);
  CHECK(throttle.allowance(kStart) == kUnlimited);
}

namespace {

/// Pushes offered at a rate to a service that answers after a round trip, held back by a throttle as the
/// Dispatcher does it, in virtual time. What fails is not tried again: it is what is lost.
class Load {
 public:
  using Answer = std::function<Outcome(std::size_t target, std::chrono::milliseconds now)>;
  struct Stream {
    double perSecond;
    std::function<std::size_t(std::size_t number)> target;
    double due = 0;
    std::size_t offered = 0;
    std::size_t delivered = 0;
  };

  static constexpr auto kRoundTrip = 100ms;
  static constexpr auto kPatience = 24s;
  static constexpr std::size_t kMostWorkers = 256;

  void run(std::vector<Stream>& streams, const Answer& answer, std::chrono::milliseconds duration) {
    for (auto now = 0ms; now < duration; now += kTick) {
      for (auto& stream : streams) offer(stream, now);
      end(answer, now);
      start(now);
    }
  }

 private:
  static constexpr auto kTick = 5ms;
  struct Push {
    Stream* stream;
    std::size_t target;
    std::chrono::milliseconds since;
    Throttle::Epoch epoch = 0;
  };

  void offer(Stream& stream, std::chrono::milliseconds now) {
    stream.due += stream.perSecond * std::chrono::duration<double>(kTick).count();
    for (; stream.due >= 1; --stream.due) {
      _waiting.push_back({&stream, stream.target(stream.offered), now});
      ++stream.offered;
    }
  }
  void end(const Answer& answer, std::chrono::milliseconds now) {
    while (!_sending.empty() && _sending.front().since + kRoundTrip <= now) {
      const Push push = _sending.front();
      _sending.pop_front();
      const Outcome outcome = answer(push.target, now);
      if (outcome.kind == Outcome::Kind::delivered) ++push.stream->delivered;
      _throttle.end(push.epoch, push.target, outcome, kStart + now, kMostWorkers);
    }
  }
  void start(std::chrono::milliseconds now) {
    while (!_waiting.empty() && _throttle.allowance(kStart + now) > 0 && _sending.size() < kMostWorkers) {
      Push push = _waiting.front();
      _waiting.pop_front();
      if (push.since + kPatience < now) continue;
      push.epoch = _throttle.start();
      push.since = now;
      _sending.push_back(push);
    }
    const auto until = std::chrono::duration_cast<std::chrono::milliseconds>(_throttle.until() - kStart);
    while (!_waiting.empty() && _waiting.front().since + kPatience < std::max(until, now))
      _waiting.pop_front();
  }

  Throttle _throttle{{}, 7};
  std::deque<Push> _waiting;
  std::deque<Push> _sending;
};

double share(const Load::Stream& stream) {
  return static_cast<double>(stream.delivered) / static_cast<double>(stream.offered);
}

std::size_t anyPhone(std::size_t number) {
  return 1000 + number * 7919 % 5003;
}

}  // namespace

TEST_CASE("One phone that is pushed to far above its quota costs the others nothing") {
  const auto honest = GENERATE(5., 20., 60.);
  const auto scope = GENERATE(Outcome::Scope::target, Outcome::Scope::service);
  CAPTURE(honest, scope == Outcome::Scope::service);
  // Twenty registrations of one token, a push a second each, of which FCM takes 240 a minute.
  std::vector<Load::Stream> streams{{honest, anyPhone}, {20, [](std::size_t) { return std::size_t{1}; }}};
  std::size_t taken = 0;
  auto minute = 0min;
  Load().run(
      streams,
      [&](std::size_t target, std::chrono::milliseconds now) {
        if (target != 1) return success();
        if (std::exchange(minute, std::chrono::floor<std::chrono::minutes>(now)) != minute) taken = 0;
        return ++taken <= 240 ? success() : of(Outcome::Kind::retry, scope, 60s);
      },
      10min);
  CHECK(share(streams[0]) >= 0.98);
}

TEST_CASE("After a burst of 503 a small share of faults costs no more than itself") {
  struct Case {
    const char* what;
    double perSecond;
    double faults;
    std::optional<std::chrono::milliseconds> retryAfter;
  };
  const auto row = GENERATE(values<Case>({{"1 % 429", 200, 0.01, 60s},
                                          {"1 % 429, busy", 2000, 0.01, 60s},
                                          {"1 % 5xx", 200, 0.01, std::nullopt},
                                          {"3 % 5xx", 200, 0.03, std::nullopt},
                                          {"3 % 5xx, busy", 2000, 0.03, std::nullopt}}));
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(row.what, seed);
  std::mt19937 random(seed);
  std::bernoulli_distribution fails(row.faults);
  std::vector<Load::Stream> streams{{row.perSecond, anyPhone}};
  Load().run(
      streams,
      [&](std::size_t, std::chrono::milliseconds now) {
        if (now >= 10s && now < 11s) return heldBack();
        return fails(random) ? heldBack(row.retryAfter) : success();
      },
      10min);
  CHECK(share(streams[0]) >= 1 - row.faults - 0.01);
}

TEST_CASE("While the account may not send, FCM is asked every few seconds and not for every push") {
  std::size_t asked = 0;
  std::vector<Load::Stream> streams{{2000, anyPhone}};
  Load().run(
      streams,
      [&](std::size_t, std::chrono::milliseconds now) {
        if (now < 1min) return success();
        if (now >= 9min) return success();
        ++asked;
        return of(Outcome::Kind::misconfigured, Outcome::Scope::service);
      },
      10min);
  CHECK(asked < 1000);
  CHECK(asked > 8 * 60 / 15);
  // It is found out soon that it may again.
  CHECK(streams[0].delivered > 2000 * (60 + 60 - 15));
}
