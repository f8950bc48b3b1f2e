#pragma once

#include "p2/core/Clock.h"

#include <Poco/Thread.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

namespace p2::push {

/// Threads that come when there is work and end when there is none for long. The one that has been idle for
/// the shortest time is called first, so that warm connections are used and the others may end.
///
/// Guarded by its owner's mutex: every function but the constructor, the destructor and `join` REQUIRES that
/// it is held.
class WorkerPool {
 public:
  struct Worker {
    Poco::Thread thread;
    std::condition_variable called;
    enum class State { busy, idle, dismissed } state = State::busy;
  };
  using Workers = std::list<Worker>;
  using Handle = Workers::iterator;
  /// What a worker does; takes the mutex itself, calls `arrive` first, and last `leave` and `end`.
  using Body = std::function<void(Handle)>;

  explicit WorkerPool(Body body) : _body(std::move(body)) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Joins all. REQUIRES: their bodies are about to end, and `stop` was called.
  ~WorkerPool();

  /// Makes sure that `wanted` workers are on their way: calls idle ones, then starts new ones while there are
  /// fewer than `most`. Gives false if the system refused a thread.
  bool summon(std::size_t wanted, std::size_t most);
  /// The calling worker will soon look for work by itself (until it calls `arrive`).
  void announce() noexcept { ++_coming; }
  /// The calling worker, on its way until now, looks for work.
  void arrive() noexcept { --_coming; }
  /// The calling worker has nothing to do. Waits until it is summoned: gives true, it has arrived. Gives
  /// false if nobody called until `deadline` (of std::chrono::steady_clock) or it is dismissed: it must
  /// leave.
  bool idle(std::unique_lock<std::mutex>& lock, Handle worker, core::Clock::TimePoint deadline);
  /// Tells up to `count` idle workers, those idle for longest, to leave.
  void dismiss(std::size_t count);
  /// The calling worker is not counted any more.
  void leave() noexcept { --_size; }
  /// The calling worker's thread does nothing after this.
  void end(Handle worker);
  /// Workers that have ended, to be destroyed without the mutex, which joins them.
  Workers takeEnded() { return std::exchange(_ended, {}); }
  /// From now on `end` leaves the worker for the destructor. All idle ones are dismissed.
  void stop();

  std::size_t size() const noexcept { return _size; }

 private:
  bool start();

  const Body _body;
  Workers _workers;
  Workers _ended;
  std::vector<Handle> _idle;  ///< The one that became idle last is last.
  std::size_t _size = 0;      ///< Workers that have not left.
  std::size_t _coming = 0;    ///< Summoned or announced ones that have not arrived.
  unsigned _number = 0;
  bool _stopped = false;
};

/// Waits for their threads and destroys them.
void join(WorkerPool::Workers& workers);

}  // namespace p2::push
