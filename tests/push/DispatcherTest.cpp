#include "FakeService.h"
#include "p2/push/Dispatcher.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <optional>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using namespace p2::push::test;
using p2::core::Metrics;
using p2::core::ScaledClock;
using p2::push::Dispatcher;
using p2::push::Outcome;
using p2::push::Sender;
using p2::test::eventually;
using Kind = Outcome::Kind;

namespace {

/// A dispatcher, the push service it sends to, and those who are told. Time runs `kFactor` times as fast: the
/// deadline of 25 s takes 250 ms.
struct DispatcherFixture {
  static constexpr unsigned kFactor = 100;

  ScaledClock clock{kFactor};
  Metrics metrics;
  FakeService service{clock};
  Recorder recorder;
  Dispatcher::Options options = [this] {
    Dispatcher::Options o;
    o.service = {"abc", "ABC"};
    o.clock = &clock;
    o.goneAfter = 0s;
    return o;
  }();
  std::optional<Dispatcher> dispatcher;

  DispatcherFixture() = default;
  DispatcherFixture(const DispatcherFixture&) = delete;
  DispatcherFixture& operator=(const DispatcherFixture&) = delete;
  ~DispatcherFixture() {
    service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  }

  void start() { dispatcher.emplace(options, service.factory(), metrics); }
  /// With a deadline that no test reaches.
  void startPatiently() {
    options.deadline = 10h;
    start();
  }
  void submit(const std::string& node, const std::string& who, const std::string& token = "token") {
    dispatcher->submit("domain", node, message(token), recorder.done(who), 1);
  }
  /// Starts with one worker, who is busy until the test answers call 0: what is submitted now is queued.
  void occupyOnlyWorker() {
    options.maxWorkers = 1;
    startPatiently();
    submit("busy", "x");
    REQUIRE(service.waitForCalls(1));
  }
  std::uint64_t count(const std::string& name, Metrics::Labels labels = {}) const {
    labels.emplace_back("service", "abc");
    return metrics.total(name, labels);
  }
  std::int64_t gauge(const std::string& name) {
    return metrics.gauge(name, "", {{"service", "abc"}}).value();
  }
  std::uint64_t ended(const std::string& outcome) const {
    return count("p2_pushes_total", {{"outcome", outcome}});
  }
  std::uint64_t gaveUp(const std::string& reason) const {
    return count("p2_push_given_up_total", {{"reason", reason}});
  }
};

}  // namespace

TEST_CASE_METHOD(DispatcherFixture, "A final outcome is told once and not tried again") {
  struct Case {
    Kind kind;
    const char* counter;
  };
  const auto row = GENERATE(values<Case>({{Kind::delivered, "delivered"},
                                          {Kind::targetGone, "target_gone"},
                                          {Kind::rejected, "rejected"},
                                          {Kind::misconfigured, "misconfigured"}}));
  startPatiently();
  submit("n", "a");
  REQUIRE(service.waitForCalls(1));
  service.answer(0, outcome(row.kind));
  const Outcome told = recorder.wait("a");
  CHECK(told.kind == row.kind);
  CHECK(told.reason == "said the fake service");
  dispatcher->drain(1h);
  CHECK(recorder.times("a") == 1);
  CHECK(service.calls().size() == 1);
  CHECK(ended(row.counter) == 1);
  CHECK(metrics.distribution("p2_push_seconds").sum > 0);
}

TEST_CASE_METHOD(DispatcherFixture, "The sender gets the message and the time that is left") {
  start();
  const auto before = clock.now();
  dispatcher->submit("domain", "n", message("the token", true), recorder.done("a"), 1);
  const auto after = clock.now();
  REQUIRE(service.waitForCalls(1));
  const auto call = service.call(0);
  CHECK(call.token == "the token");
  CHECK(call.isImportant);
  CHECK(call.deadline >= before + 25s);
  CHECK(call.deadline <= after + 25s);
}

TEST_CASE_METHOD(DispatcherFixture, "What is said of a target names the one that the message was sent to") {
  const auto kind = GENERATE(Kind::targetGone, Kind::delivered);
  occupyOnlyWorker();
  submit("n", "a", "old");
  submit("n", "b", "new");
  service.answerAll([kind](const auto&) {
    auto made = outcome(kind);
    if (kind == Kind::delivered) made.replacement = message("newer").target;
    return made;
  });
  for (const auto* who : {"a", "b"}) CHECK(recorder.wait(who).target.value.reveal() == "new");
}

TEST_CASE_METHOD(DispatcherFixture,
                 "Workers do not interrupt who wakes them, where the system lets them choose") {
  const int ours = ::sched_getscheduler(0);
  std::atomic<int> allowed{-1};
  std::thread([&] {
    const sched_param parameters{};
    allowed =
        ours == SCHED_OTHER && ::sched_setscheduler(0, SCHED_BATCH, &parameters) == 0 ? SCHED_BATCH : ours;
  }).join();
  std::atomic<int> policy{-1};
  service.answerAll([&](const auto&) {
    policy = ::sched_getscheduler(0);
    return outcome(Kind::delivered);
  });
  start();
  submit("n", "a");
  recorder.wait("a");
  CHECK(policy == allowed);
  CHECK(::sched_getscheduler(0) == ours);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "Pushes for a node that is queued become one message with the newest target") {
  occupyOnlyWorker();
  submit("n", "a", "old");
  submit("n", "b", "newer");
  submit("n", "c", "newest");
  CHECK(dispatcher->queued() == 1);
  CHECK(count("p2_push_coalesced_total") == 2);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  for (const auto* who : {"a", "b", "c"}) CHECK(recorder.wait(who).kind == Kind::delivered);
  REQUIRE(service.calls().size() == 2);
  CHECK(service.call(1).token == "newest");
}

TEST_CASE_METHOD(DispatcherFixture, "A push for a node whose message is under way is a message of its own") {
  options.maxWorkers = 2;
  startPatiently();
  submit("n", "a", "t1");
  REQUIRE(service.waitForCalls(1));
  submit("n", "b", "t2");
  REQUIRE(service.waitForCalls(2));
  service.answer(1, outcome(Kind::delivered));
  CHECK(recorder.wait("b").kind == Kind::delivered);
  CHECK(recorder.times("a") == 0);
  service.answer(0, outcome(Kind::targetGone));
  CHECK(recorder.wait("a").kind == Kind::targetGone);
}

TEST_CASE_METHOD(DispatcherFixture, "A full queue refuses at once and in the caller's thread") {
  options.maxWorkers = 1;
  options.queueCapacity = 2;
  startPatiently();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  submit("n2", "b");
  submit("n3", "c");
  submit("n4", "d");
  CHECK(recorder.times("d") == 1);
  CHECK(recorder.wait("d").kind == Kind::retry);
  CHECK(recorder.wait("d").reason == "queue full");
  CHECK(recorder.thread("d") == std::this_thread::get_id());
  CHECK(gaveUp("queue_full") == 1);
  CHECK(dispatcher->queued() == 2);
}

TEST_CASE_METHOD(DispatcherFixture, "A flow that floods delays only itself") {
  options.maxWorkers = 1;
  startPatiently();
  for (int i = 0; i < 100; ++i) submit("n" + std::to_string(i), "flood");
  REQUIRE(service.waitForCalls(1));
  dispatcher->submit("other domain", "m", message("honest"), recorder.done("honest"), 1);
  service.answer(0, outcome(Kind::delivered));
  REQUIRE(service.waitForCalls(2));
  service.answer(1, outcome(Kind::delivered));
  REQUIRE(service.waitForCalls(3));
  CHECK((service.call(1).token == "honest" || service.call(2).token == "honest"));
}

TEST_CASE_METHOD(DispatcherFixture,
                 "In a full queue a push of the longest flow gives way, told in the caller's thread") {
  options.maxWorkers = 1;
  options.queueCapacity = 2;
  startPatiently();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  submit("n2", "b");
  submit("n3", "c");
  dispatcher->submit("other domain", "m", message("honest"), recorder.done("honest"), 1);
  CHECK(recorder.times("honest") == 0);
  CHECK(recorder.times("c") == 1);
  CHECK(recorder.wait("c").kind == Kind::retry);
  CHECK(recorder.wait("c").reason == "queue full");
  CHECK(recorder.thread("c") == std::this_thread::get_id());
  CHECK(gaveUp("queue_full") == 1);
  CHECK(dispatcher->queued() == 2);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  CHECK(recorder.wait("honest").kind == Kind::delivered);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "A node that is queued takes only so many who wait as memory is there for them") {
  options.maxWorkers = 1;
  options.queueCapacity = 2;
  startPatiently();
  submit("busy", "x");
  REQUIRE(service.waitForCalls(1));
  // A megabyte at least is there for all, and half of it for one flow.
  const auto submitLong = [&](const std::string& who) {
    dispatcher->submit("domain", "n", message("token"), recorder.done(who), 100000);
  };
  for (int i = 0; i < 5; ++i) submitLong("waiting");
  CHECK(recorder.times("waiting") == 0);
  submitLong("refused");
  CHECK(recorder.times("refused") == 1);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "The deadline is kept although the sender is stuck, and what it says later is counted") {
  service.keepDeadlines(false);
  start();
  submit("n", "a");
  const Outcome told = recorder.wait("a");
  CHECK(told.kind == Kind::retry);
  CHECK(gaveUp("deadline") == 1);
  CHECK(told.reason == "no verdict of ABC before the deadline");
  service.answer(0, outcome(Kind::delivered));
  dispatcher.reset();
  CHECK(recorder.times("a") == 1);
  CHECK(ended("delivered") == 1);
}

TEST_CASE_METHOD(DispatcherFixture, "The deadline is kept for pushes that no worker has come to") {
  service.keepDeadlines(false);
  options.maxWorkers = 1;
  start();
  submit("n1", "a");
  submit("n2", "b");
  CHECK(recorder.wait("a").kind == Kind::retry);
  CHECK(recorder.wait("b").kind == Kind::retry);
  CHECK(dispatcher->queued() == 0);
  service.answer(0, outcome(Kind::delivered));
}

TEST_CASE_METHOD(DispatcherFixture, "A passing fault is tried again until it has passed") {
  startPatiently();
  submit("n", "a");
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(service.waitForCalls(i + 1));
    service.answer(i, outcome(Kind::retry));
  }
  REQUIRE(service.waitForCalls(4));
  CHECK(recorder.times("a") == 0);
  service.answer(3, outcome(Kind::delivered));
  CHECK(recorder.wait("a").kind == Kind::delivered);
  CHECK(count("p2_push_retries_total") == 3);
  CHECK(ended("retry") == 0);
}

TEST_CASE_METHOD(DispatcherFixture, "A push that waits for another try occupies no worker") {
  options.maxWorkers = 1;
  startPatiently();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  service.answer(0, retryAfter(9min));
  submit("n2", "b");
  REQUIRE(service.waitForCalls(2));
  CHECK(dispatcher->queued() == 1);
  service.answer(1, outcome(Kind::delivered));
  CHECK(recorder.wait("b").kind == Kind::delivered);
  CHECK(recorder.times("a") == 0);
}

TEST_CASE_METHOD(DispatcherFixture, "The wait before another try is what the push service asks for") {
  startPatiently();
  submit("n", "a");
  REQUIRE(service.waitForCalls(1));
  const auto before = clock.now();
  service.answer(0, retryAfter(20s));
  REQUIRE(service.waitForCalls(2));
  CHECK(service.call(1).begun >= before + 20s);
}

TEST_CASE_METHOD(DispatcherFixture, "Retry is told at once if the wait would reach beyond the deadline") {
  options.deadline = 5min;
  start();
  submit("n", "a");
  REQUIRE(service.waitForCalls(1));
  service.answer(0, retryAfter(6min));
  const Outcome told = recorder.wait("a");
  CHECK(told.kind == Kind::retry);
  CHECK(told.reason == "said the fake service");  // at the deadline it would be another
  CHECK(service.calls().size() == 1);
  CHECK(ended("retry") == 1);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "After throttling nothing is sent until it is over, then one, then one more a success") {
  options.maxWorkers = 8;
  startPatiently();
  submit("n0", "0");
  REQUIRE(service.waitForCalls(1));
  const auto before = clock.now();
  service.answer(0, throttled(30s));
  REQUIRE(eventually([&] { return count("p2_push_retries_total") == 1; }));
  for (int i = 1; i < 60; ++i) submit("n" + std::to_string(i), std::to_string(i));
  REQUIRE(service.waitForCalls(2));
  CHECK(service.call(1).begun >= before + 30s);
  for (std::size_t i = 1; i < 61; ++i) {
    REQUIRE(service.waitForCalls(i + 1));
    if (i < 60) service.answer(i, outcome(Kind::delivered));
  }
  service.answer(60, outcome(Kind::delivered));
  for (int i = 0; i < 60; ++i) CHECK(recorder.wait(std::to_string(i)).kind == Kind::delivered);
  // The throttled one was answered first, so the limit is one more than what was answered since.
  for (const auto& call : service.calls()) {
    if (call.answered < 8) CHECK(call.running <= std::max<std::size_t>(call.answered, 1));
  }
  CHECK(service.mostRunning() <= 8);
}

TEST_CASE_METHOD(DispatcherFixture, "Pushes that cannot wait until throttling is over are told so at once") {
  options.maxWorkers = 1;
  options.deadline = 5min;  // 3 real seconds: more than this test waits
  start();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  submit("n2", "b");
  service.answer(0, throttled(6min));
  CHECK(recorder.wait("a").kind == Kind::retry);
  CHECK(recorder.wait("b").kind == Kind::retry);
  submit("n3", "c");
  CHECK(recorder.times("c") == 1);
  CHECK(recorder.wait("c").kind == Kind::retry);
  CHECK(recorder.wait("c").reason == "held back, as ABC asks");
  CHECK(recorder.thread("c") == std::this_thread::get_id());
  CHECK(service.calls().size() == 1);
  CHECK(gaveUp("throttled") == 2);
}

TEST_CASE_METHOD(DispatcherFixture, "Draining waits for those in hand and refuses new ones") {
  startPatiently();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  auto drained = std::async(std::launch::async, [this] { dispatcher->drain(10h); });
  // Accepted until the other thread has begun to drain.
  while (recorder.times("late") == 0) submit("n2", "late");
  CHECK(recorder.wait("late").kind == Kind::retry);
  CHECK(recorder.times("a") == 0);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  drained.get();
  CHECK(recorder.wait("a").kind == Kind::delivered);
}

TEST_CASE_METHOD(DispatcherFixture, "Draining ends at its bound, and what is unfinished is told retry") {
  options.maxWorkers = 1;
  startPatiently();
  submit("n1", "a");
  submit("n2", "b");
  REQUIRE(service.waitForCalls(1));
  dispatcher->drain(1s);
  CHECK(recorder.times("a") == 1);
  CHECK(recorder.times("b") == 1);
  CHECK(recorder.wait("a").kind == Kind::retry);
  CHECK(gaveUp("stopping") == 2);
  service.answer(0, outcome(Kind::delivered));
  dispatcher.reset();
  CHECK(recorder.times("a") == 1);
}

TEST_CASE_METHOD(DispatcherFixture, "When draining has ended no one is being told any more, bound or not") {
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> left{false};
  const auto done = [&](const Outcome&) {
    entered.set_value();
    leave.get_future().wait();
    left = true;
  };
  std::thread late;
  startPatiently();
  SECTION("of what became of the message") {
    dispatcher->submit("domain", "n", message("t"), done, 1);
    REQUIRE(service.waitForCalls(1));
    service.answer(0, outcome(Kind::delivered));
  }
  SECTION("of the deadline") {
    options.deadline = 1s;
    dispatcher->reconfigure(options);
    dispatcher->submit("domain", "n", message("t"), done, 1);
  }
  SECTION("of a refusal, for it came too late") {
    dispatcher->drain(0ms);
    late = std::thread([&] { dispatcher->submit("domain", "n", message("t"), done, 1); });
  }
  entered.get_future().wait();
  auto drained = std::async(std::launch::async, [&] {
    dispatcher->drain(0ms);
    return left.load();
  });
  CHECK(drained.wait_for(50ms) == std::future_status::timeout);
  leave.set_value();
  CHECK(drained.get());
  if (late.joinable()) late.join();
}

TEST_CASE_METHOD(DispatcherFixture, "A verdict on a message is weighed once, however many wait for it") {
  occupyOnlyWorker();
  for (int n = 0; n < 50; ++n) submit("n", std::to_string(n), "gone");
  service.answerAll([](const auto& sent) {
    auto made = outcome(sent.target.value.reveal().starts_with("gone") ? Kind::targetGone : Kind::delivered);
    made.onlyIfOthersSucceed = true;
    return made;
  });
  for (int n = 0; n < 50; ++n) CHECK(recorder.wait(std::to_string(n)).kind == Kind::targetGone);
  // So two others are believed as well.
  for (const auto* node : {"m1", "m2", "m3"}) submit(node, node, std::string("gone ") + node);
  CHECK(recorder.wait("m1").kind == Kind::targetGone);
  CHECK(recorder.wait("m2").kind == Kind::targetGone);
  CHECK(recorder.wait("m3").kind == Kind::doubted);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "A target is gone when that is said again after the grace, and not tried until then") {
  options.goneAfter = 10min;
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::targetGone); });
  const auto begun = clock.now();
  submit("n", "first");
  CHECK(recorder.wait("first").kind == Kind::doubted);
  CHECK(service.calls().size() == 1);
  CHECK(ended("doubted") == 1);
  CHECK(gauge("p2_targets_in_grace") == 1);
  Kind kind = Kind::doubted;
  std::string who = "again";
  while (kind == Kind::doubted && clock.now() < begun + 10h) {
    submit("n", who += "x");
    kind = recorder.wait(who).kind;
  }
  CHECK(kind == Kind::targetGone);
  CHECK(clock.now() >= begun + 10min);
  CHECK(gauge("p2_targets_in_grace") == 0);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "Only another service ends the grace of targets when the senders are replaced") {
  const auto other = GENERATE(false, true);
  options.goneAfter = 1min;
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::targetGone); });
  submit("n", "first");
  recorder.wait("first");
  dispatcher->replaceSenders(service.factory(),
                             other ? Dispatcher::Credentials::other : Dispatcher::Credentials::same);
  std::this_thread::sleep_until(clock.realDeadline(clock.now() + 1min));
  submit("n", "second");
  CHECK(recorder.wait("second").kind == (other ? Kind::doubted : Kind::targetGone));
}

TEST_CASE_METHOD(DispatcherFixture, "What an old sender hears after the service has changed does not count") {
  options.maxWorkers = 1;
  startPatiently();
  FakeService other(clock);
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  dispatcher->replaceSenders(other.factory(), Dispatcher::Credentials::other);
  service.answer(0, outcome(Kind::targetGone));
  CHECK(recorder.wait("a").kind == Kind::doubted);
  other.answerAll([](const auto&) { return outcome(Kind::targetGone); });
  submit("n1", "b");
  CHECK(recorder.wait("b").kind == Kind::targetGone);
  dispatcher.reset();
}

TEST_CASE_METHOD(DispatcherFixture, "With another service what the old one asked for is over") {
  options.maxWorkers = 1;
  startPatiently();
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  service.answer(0, throttled(9min));
  REQUIRE(eventually([&] { return count("p2_push_retries_total") == 1; }));
  submit("n2", "b");
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  CHECK(recorder.times("b") == 0);
  dispatcher->replaceSenders(service.factory(), Dispatcher::Credentials::other);
  CHECK(recorder.wait("b").kind == Kind::delivered);
}

TEST_CASE_METHOD(DispatcherFixture, "A queue for more nodes than there are addresses is a queue for many") {
  options.queueCapacity = std::numeric_limits<std::size_t>::max() / 2;
  startPatiently();
  submit("n1", "a");
  submit("n2", "b");
  REQUIRE(service.waitForCalls(2));
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  CHECK(recorder.wait("b").kind == Kind::delivered);
}

TEST_CASE_METHOD(DispatcherFixture, "The destructor tells everybody retry and returns when the senders do") {
  options.maxWorkers = 2;
  options.deadline = 60s;
  start();
  submit("n1", "a");
  submit("n2", "b");
  submit("n3", "c");
  REQUIRE(service.waitForCalls(2));
  dispatcher.reset();
  for (const auto* who : {"a", "b", "c"}) {
    CHECK(recorder.times(who) == 1);
    CHECK(recorder.wait(who).kind == Kind::retry);
  }
  CHECK(service.waitForSenders(0));
}

TEST_CASE_METHOD(DispatcherFixture, "A dispatcher without work starts and stops") {
  start();
  CHECK(dispatcher->workers() == 0);
  CHECK(dispatcher->queued() == 0);
}

TEST_CASE_METHOD(DispatcherFixture, "The pool grows with the pushes that wait, up to its maximum") {
  options.maxWorkers = 4;
  startPatiently();
  for (std::size_t i = 0; i < 4; ++i) {
    submit("n" + std::to_string(i), std::to_string(i));
    REQUIRE(service.waitForCalls(i + 1));
    CHECK(dispatcher->workers() == i + 1);
  }
  for (int i = 4; i < 20; ++i) submit("n" + std::to_string(i), std::to_string(i));
  REQUIRE(service.waitForCalls(4));
  CHECK(dispatcher->workers() == 4);
  CHECK(dispatcher->queued() == 16);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  for (int i = 0; i < 20; ++i) recorder.wait(std::to_string(i));
  CHECK(service.mostRunning() == 4);
  CHECK(service.sendersMade() == 4);
}

TEST_CASE_METHOD(DispatcherFixture, "A thousand workers are started and ended") {
  options.maxWorkers = 1000;
  startPatiently();
  for (int i = 0; i < 1000; ++i) submit("n" + std::to_string(i), std::to_string(i));
  REQUIRE(service.waitForCalls(1000));
  CHECK(service.mostRunning() == 1000);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  dispatcher->drain(10h);
  CHECK(ended("delivered") == 1000);
}

TEST_CASE_METHOD(DispatcherFixture, "Workers that idle end, and come again when there is work") {
  options.idleLimit = 5s;
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  for (const auto* round : {"first", "second"}) {
    for (int i = 0; i < 5; ++i) submit("n" + std::to_string(i), round + std::to_string(i));
    for (int i = 0; i < 5; ++i) CHECK(recorder.wait(round + std::to_string(i)).kind == Kind::delivered);
    REQUIRE(service.waitForSenders(0));
    // One that came in vain made no sender; it ends as well.
    REQUIRE(eventually([&] { return dispatcher->workers() == 0; }));
  }
}

TEST_CASE_METHOD(DispatcherFixture, "Pushes one after the other use one connection") {
  options.idleLimit = 10h;
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  for (int i = 0; i < 200; ++i) {
    submit("n", std::to_string(i));
    recorder.wait(std::to_string(i));
  }
  CHECK(dispatcher->workers() == 1);
  CHECK(service.sendersMade() == 1);
}

TEST_CASE_METHOD(DispatcherFixture, "A smaller maximum ends workers, a greater one lets them grow") {
  options.maxWorkers = 4;
  startPatiently();
  for (int i = 0; i < 8; ++i) submit("n" + std::to_string(i), std::to_string(i));
  REQUIRE(service.waitForCalls(4));
  options.maxWorkers = 1;
  dispatcher->reconfigure(options);
  for (std::size_t i = 0; i < 4; ++i) service.answer(i, outcome(Kind::delivered));
  REQUIRE(service.waitForSenders(1));
  CHECK(dispatcher->workers() == 1);
  options.maxWorkers = 3;
  dispatcher->reconfigure(options);
  REQUIRE(service.waitForCalls(7));
  CHECK(dispatcher->workers() == 3);
}

TEST_CASE_METHOD(DispatcherFixture, "A smaller deadline holds for those who wait already") {
  startPatiently();
  submit("n", "a");
  options.deadline = 5s;
  dispatcher->reconfigure(options);
  CHECK(recorder.wait("a").kind == Kind::retry);
}

TEST_CASE_METHOD(DispatcherFixture, "Replaced senders finish their message and are not used again") {
  options.maxWorkers = 1;
  options.idleLimit = 10h;
  startPatiently();
  FakeService other(clock);
  submit("n1", "a");
  REQUIRE(service.waitForCalls(1));
  dispatcher->replaceSenders(other.factory(), Dispatcher::Credentials::same);
  submit("n2", "b");
  service.answer(0, outcome(Kind::delivered));
  CHECK(recorder.wait("a").kind == Kind::delivered);
  REQUIRE(other.waitForCalls(1));
  CHECK(service.waitForSenders(0));
  other.answerAll([](const auto&) { return outcome(Kind::delivered); });
  CHECK(recorder.wait("b").kind == Kind::delivered);
  CHECK(service.calls().size() == 1);
  dispatcher.reset();
}

TEST_CASE_METHOD(DispatcherFixture, "Replacing the senders closes the connections of idle workers") {
  options.idleLimit = 10h;
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  submit("n", "a");
  recorder.wait("a");
  dispatcher->replaceSenders(service.factory(), Dispatcher::Credentials::same);
  dispatcher->submit("domain", "n", message("t"), recorder.done("b"), 1);
  CHECK(recorder.wait("b").kind == Kind::delivered);
  CHECK(service.waitForSenders(1));
  CHECK(service.sendersMade() == 2);
}

TEST_CASE_METHOD(DispatcherFixture, "A sender that cannot be made is a passing fault") {
  options.deadline = 10h;
  std::atomic<int> attempts{0};
  dispatcher.emplace(
      options,
      [&]() -> std::unique_ptr<Sender> {
        switch (++attempts) {
          case 1:
            throw std::runtime_error("no such file");
          case 2:
            return nullptr;
          default:
            return service.factory()();
        }
      },
      metrics);
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  submit("n", "a");
  CHECK(recorder.wait("a").kind == Kind::delivered);
  CHECK(attempts == 3);
  CHECK(count("p2_push_retries_total") == 2);
}

TEST_CASE_METHOD(DispatcherFixture,
                 "Somebody who throws when told does not keep the others from being told") {
  occupyOnlyWorker();
  submit("n", "a");
  dispatcher->submit(
      "domain", "n", message("t"), [](const Outcome&) { throw std::runtime_error("cannot answer"); }, 1);
  dispatcher->submit(
      "domain", "n", message("t"), [](const Outcome&) { throw 1; }, 1);
  submit("n", "b");
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  CHECK(recorder.wait("a").kind == Kind::delivered);
  CHECK(recorder.wait("b").kind == Kind::delivered);
  dispatcher->drain(10h);
  CHECK(count("p2_push_callback_errors_total") == 2);
}

TEST_CASE_METHOD(DispatcherFixture, "Who is told may submit again") {
  startPatiently();
  service.answerAll([](const auto&) { return outcome(Kind::delivered); });
  dispatcher->submit(
      "domain", "n", message("t"), [this](const Outcome&) { submit("n", "again"); }, 1);
  CHECK(recorder.wait("again").kind == Kind::delivered);
}

TEST_CASE_METHOD(DispatcherFixture, "The gauges show queue and workers") {
  options.maxWorkers = 2;
  startPatiently();
  for (int i = 0; i < 5; ++i) submit("n" + std::to_string(i), "a");
  REQUIRE(service.waitForCalls(2));
  CHECK(gauge("p2_push_queue") == 3);
  CHECK(gauge("p2_push_workers") == 2);
}
