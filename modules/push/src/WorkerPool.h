#pragma once

#include "p2/core/Clock.h"

#include <Poco/Thread.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace p2::push {

/// Threads that come when there is work and end when there is none for long. The one that has been idle for
/// the shortest time is called first, so that warm connections are used and the others may end. That is what
/// Poco::ThreadPool does not do: its idle threads all wait for their turn alike, and a start makes its caller
/// wait, here with the mutex held.
///
///     busy --- idle(): nothing to do ---> idle --- summon(): there is ---> busy
///      |                                   |
///      '--- leave(), end() ----------------'--- idle for too long, or too many: dismissed
///
/// One summons at a time is under way for all the work there is: a worker that has arrived summons the next
/// one if there is more. So a burst wakes as many as it needs, one by the other, and the thread that reads
/// the stream wakes one.
///
/// Guarded by its owner's mutex: every function but the constructor, the destructor and `join` REQUIRES that
/// it is held.
class WorkerPool {
 public:
  /// Wakes one worker. Shared with who rings it, as the worker may be gone by then.
  using Bell = std::shared_ptr<std::condition_variable>;

  struct Worker {
    Poco::Thread thread;
    Bell bell = std::make_shared<std::condition_variable>();
    enum class State { busy, idle, dismissed } state = State::busy;
  };
  using Workers = std::list<Worker>;
  using Handle = Workers::iterator;
  /// What a worker does; takes the mutex itself, calls `arrive` first, and last `leave` and `end`.
  using Body = std::function<void(Handle)>;

  /// Wakes the worker that was summoned, if there is one, at the latest when it is destroyed: without the
  /// mutex, which the worker takes first of all.
  class [[nodiscard]] Summons {
   public:
    Summons() = default;
    explicit Summons(Bell bell) noexcept : _bell(std::move(bell)) {}
    Summons(Summons&&) noexcept = default;
    Summons& operator=(Summons&& other) noexcept {
      _bell.swap(other._bell);
      return *this;
    }
    ~Summons() { ring(); }

    void ring() noexcept {
      if (const Bell bell = std::exchange(_bell, nullptr)) bell->notify_one();
    }

   private:
    Bell _bell;
  };

  explicit WorkerPool(Body body) : _body(std::move(body)) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  /// Joins all. REQUIRES: their bodies are about to end, and `stop` was called.
  ~WorkerPool();

  /// Makes sure that a worker is on its way: calls an idle one, else starts a new one if there are fewer than
  /// `most`.
  Summons summon(std::size_t most);
  /// Whether the last `summon` needed a thread that the system refused.
  bool starved() const noexcept { return _starved; }
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
  void start();

  const Body _body;
  Workers _workers;
  Workers _ended;
  std::vector<Handle> _idle;  ///< The one that became idle last is last.
  std::size_t _size = 0;      ///< Workers that have not left.
  std::size_t _coming = 0;    ///< Summoned or announced ones that have not arrived.
  unsigned _number = 0;
  bool _starved = false;
  bool _stopped = false;
};

/// Waits for their threads and destroys them.
void join(WorkerPool::Workers& workers);

}  // namespace p2::push
