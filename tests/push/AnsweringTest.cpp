#include "Answering.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Answering;
using p2::push::Outcome;
using p2::push::PushMetrics;
using p2::push::PushQueue;

namespace {

struct AnsweringFixture {
  p2::core::Metrics registry;
  const PushMetrics metrics{registry, "abc"};
  std::mutex mutex;
  const p2::core::Clock& clock = p2::core::systemClock();
  Answering answering{mutex, clock, metrics};

  void add(PushQueue::Answers& answers, Answering::Done done) const {
    answers.push_back({std::move(done), clock.now()});
  }
  /// Waits as a drain does: up to `bound` for the calls and for `left` to become 0.
  std::future<void> drain(std::chrono::milliseconds bound, const std::atomic<std::size_t>& left) {
    return std::async(std::launch::async, [this, bound, &left] {
      Answering::Lock lock(mutex);
      answering.close();
      answering.await(lock, clock.now() + bound, [&left] { return left == 0; });
      answering.awaitCalls(lock);
    });
  }
};

bool isOver(const std::future<void>& drain) {
  return drain.wait_for(0s) == std::future_status::ready;
}

}  // namespace

TEST_CASE_METHOD(AnsweringFixture,
                 "All who wait are told once, whatever one of them throws, and without the mutex") {
  PushQueue::Answers answers;
  std::string told;
  const auto note = [this, &told](const Outcome& outcome) {
    const std::unique_lock free(mutex, std::try_to_lock);
    CHECK(free.owns_lock());
    told += outcome.reason;
  };
  add(answers, note);
  add(answers, [](const Outcome&) { throw std::runtime_error("cannot answer"); });
  add(answers, [](const Outcome&) { throw 1; });
  add(answers, note);
  Outcome outcome;
  outcome.reason = "x";
  SECTION("by who holds it") {
    Answering::Lock lock(mutex);
    answering.answerUnlocked(lock, answers, outcome);
    CHECK(lock.owns_lock());
  }
  SECTION("by who has released it") {
    answering.beginFor(answers);
    answering.answer(answers, outcome);
  }
  CHECK(told == "xx");
  CHECK(answers.empty());
  CHECK(metrics.callbackErrors.value() == 2);
  const auto counts = registry.distribution("p2_push_seconds").counts;
  CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 4);
}

TEST_CASE_METHOD(AnsweringFixture, "Who is refused is told, and was not waiting") {
  Answering::Done done = [](const Outcome&) { throw std::runtime_error("cannot answer"); };
  answering.begin();
  answering.refuse(done, Outcome());
  CHECK(metrics.callbackErrors.value() == 1);
  CHECK(registry.distribution("p2_push_seconds").sum == 0);
  std::atomic<std::size_t> nobody{0};
  drain(1h, nobody).get();
}

TEST_CASE_METHOD(AnsweringFixture, "An end waits for a call under way, however long it takes") {
  std::promise<void> release;
  PushQueue::Answers answers;
  add(answers, [&release](const Outcome&) { release.get_future().wait(); });
  answering.beginFor(answers);
  std::thread worker([&] { answering.answer(answers, Outcome()); });
  std::atomic<std::size_t> nobody{0};
  const auto end = drain(0ms, nobody);
  CHECK(end.wait_for(50ms) == std::future_status::timeout);
  release.set_value();
  CHECK(end.wait_for(30s) == std::future_status::ready);
  worker.join();
}

TEST_CASE_METHOD(AnsweringFixture, "An end waits for those who are left until its bound, and no longer") {
  std::atomic<std::size_t> left{1};
  SECTION("the last one is told in time") {
    const auto end = drain(1h, left);
    REQUIRE(p2::test::eventually([this] {
      const std::scoped_lock lock(mutex);
      return answering.closed();
    }));
    CHECK_FALSE(isOver(end));
    PushQueue::Answers answers;
    add(answers, [](const Outcome&) {});
    Answering::Lock lock(mutex);
    left = 0;
    answering.answerUnlocked(lock, answers, Outcome());
    lock.unlock();
    CHECK(end.wait_for(30s) == std::future_status::ready);
  }
  SECTION("nobody tells it") {
    CHECK(drain(1ms, left).wait_for(30s) == std::future_status::ready);
  }
}

TEST_CASE_METHOD(AnsweringFixture, "Whatever threads tell at once, an end has seen all of it") {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kRounds = 2000;
  std::atomic<std::size_t> left{kThreads * kRounds};
  std::atomic<std::size_t> told{0};
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      PushQueue::Answers answers;
      for (std::size_t round = 0; round < kRounds; ++round) {
        Answering::Lock lock(mutex);
        add(answers, [&told](const Outcome&) { ++told; });
        --left;
        if ((round + thread) % 2 == 0) {
          answering.answerUnlocked(lock, answers, Outcome());
          continue;
        }
        answering.beginFor(answers);
        lock.unlock();
        answering.answer(answers, Outcome());
      }
    });
  }
  drain(1h, left).get();
  CHECK(told == kThreads * kRounds);
  for (auto& thread : threads) thread.join();
}
