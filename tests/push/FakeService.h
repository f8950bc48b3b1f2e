#pragma once

#include "p2/core/Clock.h"
#include "p2/push/Dispatcher.h"
#include "p2/push/Sender.h"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace p2::push::test {

/// A push service in the test's hands: every message that is sent waits until the test says what becomes of
/// it, or until its deadline. Must outlive the dispatcher. Thread-safe.
class FakeService {
 public:
  struct Call {
    std::string token;
    bool isImportant = false;
    core::Clock::TimePoint begun;
    core::Clock::TimePoint deadline;
    std::size_t sender = 0;    ///< Which sender, counted from 1 in the order they were made.
    std::size_t running = 0;   ///< Messages under way, itself included, when it began.
    std::size_t answered = 0;  ///< Messages answered before it began.
    std::optional<Outcome> outcome;
  };
  using Answerer = std::function<Outcome(const Message&)>;

  explicit FakeService(const core::Clock& clock = core::systemClock()) : _clock(clock) {}

  SenderFactory factory();

  /// Waits until `count` messages have begun to be sent. Gives false if that takes too long for a test.
  bool waitForCalls(std::size_t count);
  bool waitForSenders(std::size_t alive);
  Call call(std::size_t index) const;
  std::vector<Call> calls() const;
  std::size_t sendersMade() const;
  std::size_t mostRunning() const;

  /// Ends message `index`, which has begun.
  void answer(std::size_t index, Outcome outcome);
  /// From now on every message is answered at once, those under way too.
  void answerAll(Answerer answerer);
  /// Whether messages end at their deadline if the test does not answer. They do by default.
  void keepDeadlines(bool keep);

 private:
  class FakeSender;

  Outcome send(std::size_t sender, const Message& message, core::Clock::TimePoint deadline);

  const core::Clock& _clock;
  mutable std::mutex _mutex;
  std::condition_variable _changed;
  std::vector<Call> _calls;
  Answerer _answerer;
  bool _keepDeadlines = true;
  std::size_t _running = 0;
  std::size_t _mostRunning = 0;
  std::size_t _answered = 0;
  std::size_t _made = 0;
  std::size_t _alive = 0;
};

/// Notes who was told what, how often and in which thread. Must outlive the dispatcher. Thread-safe.
class Recorder {
 public:
  Dispatcher::Done done(const std::string& who);

  /// Waits until `who` is told an outcome. Throws if that takes too long for a test.
  Outcome wait(const std::string& who);
  std::size_t times(const std::string& who) const;
  std::thread::id thread(const std::string& who) const;

 private:
  struct Note {
    Outcome outcome;
    std::size_t times = 0;
    std::thread::id thread;
  };

  mutable std::mutex _mutex;
  std::condition_variable _changed;
  std::map<std::string, Note> _notes;
};

Message message(const std::string& token, bool isImportant = false);
Outcome outcome(Outcome::Kind kind);
Outcome retryAfter(std::chrono::milliseconds after);
Outcome throttled(std::optional<std::chrono::milliseconds> retryAfter);

}  // namespace p2::push::test
