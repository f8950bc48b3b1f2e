#include "p2/push/Dispatcher.h"
#include "support/Catch.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using p2::core::Clock;
using p2::core::Metrics;
using p2::core::ScaledClock;
using p2::push::Dispatcher;
using p2::push::Message;
using p2::push::Outcome;
using p2::push::Sender;

namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kPushes = 12500;  // a thread

/// Answers at once, whatever comes to its mind.
class MoodySender final : public Sender {
 public:
  explicit MoodySender(unsigned seed) : _random(seed) {}

  Outcome send(const Message& message, Clock::TimePoint) noexcept override {
    Outcome outcome;
    const auto mood = _random() % 100;
    if (mood < 70) {
      outcome.kind = Outcome::Kind::delivered;
    } else if (mood < 80) {
      outcome.kind = Outcome::Kind::targetGone;
    } else if (mood < 82) {
      outcome.kind = Outcome::Kind::misconfigured;
    } else if (mood < 84) {
      outcome.scope = Outcome::Scope::service;
    } else if (mood < 86) {
      outcome.retryAfter = std::chrono::milliseconds(_random() % 30000);
    }
    if (message.target.value.empty()) outcome.kind = Outcome::Kind::rejected;  // it must not be
    if (mood % 7 == 0) std::this_thread::yield();
    return outcome;
  }

 private:
  std::minstd_rand _random;
};

}  // namespace

TEST_CASE("Each of 50,000 pushes from four threads is told exactly one outcome") {
  const ScaledClock clock(200);
  Metrics metrics;
  std::vector<std::atomic<unsigned>> told(kThreads * kPushes);
  std::array<std::atomic<std::size_t>, 6> kinds{};
  std::atomic<unsigned> senders{0};
  const auto makeSender = [&senders]() -> std::unique_ptr<Sender> {
    const unsigned number = ++senders;
    if (number % 10 == 0) throw std::runtime_error("no sender this time");
    return std::make_unique<MoodySender>(number);
  };
  Dispatcher::Options options;
  options.maxWorkers = 16;
  options.queueCapacity = 300;
  options.idleLimit = 1s;
  options.goneAfter = 0s;
  options.clock = &clock;

  {
    Dispatcher dispatcher(options, makeSender, metrics);
    std::vector<std::thread> submitters;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      submitters.emplace_back([&, thread] {
        std::minstd_rand random(static_cast<unsigned>(thread) + 1);
        for (std::size_t i = 0; i < kPushes; ++i) {
          auto& mine = told[thread * kPushes + i];
          Message message;
          const bool fails = random() % 50 == 0;
          const auto node = random() % 400;
          message.target.value = p2::core::Secret("token" + std::to_string(node));
          dispatcher.submit(
              std::to_string(node % 7), std::to_string(node), std::move(message),
              [&mine, &kinds, fails](const Outcome& outcome) {
                ++mine;
                ++kinds.at(static_cast<std::size_t>(outcome.kind));
                if (fails) throw std::runtime_error("cannot answer");
              },
              1000);
          if (random() % 4 == 0) std::this_thread::yield();
        }
      });
    }
    std::thread operatorThread([&] {
      auto changed = options;
      for (std::size_t round = 0; round < 50; ++round) {
        changed.maxWorkers = 1 + round % 16;
        changed.deadline = std::chrono::seconds(5 + round % 20);
        dispatcher.reconfigure(changed);
        dispatcher.replaceSenders(
            makeSender, round % 2 == 0 ? Dispatcher::Credentials::same : Dispatcher::Credentials::other);
        std::this_thread::yield();
      }
      dispatcher.reconfigure(options);
    });
    for (auto& thread : submitters) thread.join();
    operatorThread.join();
    SECTION("drained") {
      dispatcher.drain(60s);
    }
    SECTION("destroyed at once") {}
  }

  CHECK(std::all_of(told.begin(), told.end(), [](const auto& times) { return times == 1; }));
  CHECK(kinds[static_cast<std::size_t>(Outcome::Kind::delivered)] > 0);
  CHECK(kinds[static_cast<std::size_t>(Outcome::Kind::targetGone)] > 0);
  CHECK(kinds[static_cast<std::size_t>(Outcome::Kind::retry)] > 0);
  CHECK(kinds[static_cast<std::size_t>(Outcome::Kind::rejected)] == 0);
  CHECK(metrics.total("p2_push_retries_total") > 0);
  CHECK(metrics.total("p2_push_callback_errors_total") > 0);
}
