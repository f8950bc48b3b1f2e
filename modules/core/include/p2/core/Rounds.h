#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace p2::core {

/// Does something again and again in a thread of its own, and rests between. Thread-safe.
class Rounds {
 public:
  using Duration = std::chrono::steady_clock::duration;
  /// One round, in the thread; gives how long to rest after it. A long one ends early once `stopping`. Must
  /// not throw.
  using Round = std::function<Duration(const std::atomic<bool>& stopping)>;

  /// `rest`: before the first round. Throws std::system_error if the system refuses the thread.
  Rounds(Duration rest, Round round);
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;
  /// Waits for a round under way.
  ~Rounds();

  /// Begins no further round. Does not wait.
  void stop();

 private:
  void run(Duration rest);

  const Round _round;
  std::mutex _mutex;
  std::condition_variable _wake;
  std::atomic<bool> _stopping{false};  ///< Set under _mutex.
  std::thread _thread;                 ///< Last: it uses all of the above.
};

}  // namespace p2::core
