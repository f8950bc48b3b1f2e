#pragma once

#include "PushMetrics.h"
#include "PushQueue.h"
#include "p2/core/Clock.h"
#include "p2/push/Outcome.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace p2::push {

/// Tells those who wait for a push what became of it, without the dispatcher's mutex, and knows how many
/// threads are about it, so that an end can wait until all have been told.
///
///     take answers out of the queue, and `begin` --- release the mutex --- `answer` or `refuse`
///
/// Whoever is to be told is in the queue, or a thread that `begin` counts has them. So who holds the mutex
/// and sees an empty queue and nobody calling knows that everybody was told.
///
/// Guarded by the dispatcher's mutex, but for what says that it is called without it.
class Answering {
 public:
  using Done = PushQueue::Done;
  using Answers = PushQueue::Answers;
  using Lock = std::unique_lock<std::mutex>;

  /// All must outlive this object.
  Answering(std::mutex& mutex, const core::Clock& clock, const PushMetrics& metrics)
      : _mutex(mutex), _clock(clock), _metrics(metrics) {}
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  /// The calling thread will call `answer` or `refuse`, once.
  void begin() noexcept { ++_calling; }
  /// The same if there is anybody to be told.
  void beginFor(const Answers& answers) noexcept {
    if (!answers.empty()) begin();
  }
  /// Releases the mutex while it calls, if there is anybody to call. Begins by itself.
  void answerUnlocked(Lock& lock, Answers& answers, const Outcome& outcome);

  /// Calls them and empties the list. Without the mutex. REQUIRES: `beginFor` was called for them.
  void answer(Answers& answers, const Outcome& outcome) noexcept;
  /// Calls one who came into no queue. Without the mutex. REQUIRES: `begin` was called for it.
  void refuse(Done& done, const Outcome& outcome) noexcept;

  /// From now on `await` and `awaitCalls` are told when a thread has called its last. Never reopened.
  void close() noexcept { _closed = true; }
  bool closed() const noexcept { return _closed; }
  /// Waits until nobody is calling and nobody is left, up to `bound` (of std::chrono::steady_clock). Releases
  /// the mutex meanwhile. REQUIRES: closed().
  template <class NobodyLeft>
  void await(Lock& lock, core::Clock::TimePoint bound, NobodyLeft nobodyLeft) {
    _told.wait_until(lock, bound, [&] { return _calling == 0 && nobodyLeft(); });
  }
  /// Waits without a bound until nobody is calling. Releases the mutex meanwhile. REQUIRES: closed().
  void awaitCalls(Lock& lock) {
    _told.wait(lock, [this] { return _calling == 0; });
  }

 private:
  void call(Done& done, const Outcome& outcome) noexcept;
  /// One of those that _calling counts has called.
  void called() noexcept;

  std::mutex& _mutex;
  const core::Clock& _clock;
  const PushMetrics& _metrics;
  std::atomic<bool> _closed{false};  // changed with the mutex held
  // Threads that have or will call Dones which are not in the queue any more. Increased with the mutex held,
  // decreased without.
  std::atomic<std::size_t> _calling{0};
  std::condition_variable _told;
};

}  // namespace p2::push
