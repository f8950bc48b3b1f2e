#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/Registrations.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace p2::proxy {

/// How long an answer of the store is waited for: who has asked is told in time that there is none, while a
/// disk hangs or a database stands still, and what comes later is nobody's. Must outlive what it gives.
/// Thread-safe.
class Patience {
 public:
  template <class T>
  using Callback = store::Registrations::Callback<T>;

  static constexpr std::chrono::seconds kBound = store::Registrations::kPatience;

  /// `clock` must outlive it.
  explicit Patience(const core::Clock& clock) : _clock(clock) {}
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// Calls back as `done` would, or with an error when it has taken too long.
  template <class T>
  Callback<T> bound(Callback<T> done) {
    return [waiting = std::make_unique<WaitingFor<T>>(*this, std::move(done))](core::Result<T> result) {
      waiting->tell(std::move(result));
    };
  }

  /// Tells those that have waited for too long. To be called every second.
  void giveUpLate();
  /// From when somebody has waited for too long, why, until an answer comes; else empty. What is answered in
  /// the asking thread is none: it was in memory.
  std::string standstill() const { return _standsStill ? noAnswer().text : std::string(); }

 private:
  using Tell = core::UniqueFunction<void()>;

  /// One who waits, in a list with the others in the order in which they came.
  class Waiting {
   public:
    explicit Waiting(Patience& patience);
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    /// REQUIRES: leave() was called, while there was a callback still.
    virtual ~Waiting() = default;

    core::Clock::TimePoint since() const { return _since; }
    /// Takes the callback, with the list held, to be told that there is no answer.
    virtual Tell giveUp() = 0;

   protected:
    /// Gives whether it was in the list still: else somebody else tells.
    bool leave();
    /// That the store has answered, be it late.
    void noteAnswer();

   private:
    friend class Patience;

    Patience& _patience;
    const core::Clock::TimePoint _since;
    const std::thread::id _asker = std::this_thread::get_id();
    Waiting* _before = nullptr;
    Waiting* _after = nullptr;
    bool _isListed = false;
  };

  template <class T>
  class WaitingFor final : public Waiting {
   public:
    WaitingFor(Patience& patience, Callback<T> done) : Waiting(patience), _done(std::move(done)) {}
    ~WaitingFor() override { leave(); }

    void tell(core::Result<T> result) {
      if (result.ok()) noteAnswer();
      if (leave()) _done(std::move(result));
    }
    Tell giveUp() override {
      return [done = std::move(_done)]() mutable { done(noAnswer()); };
    }

   private:
    Callback<T> _done;
  };

  struct List {
    Waiting* first = nullptr;
    Waiting* last = nullptr;
  };

  static core::Error noAnswer();
  static void unlink(List& list, Waiting& waiting);
  /// Nothing if nobody has waited for so long.
  Tell oneSince(core::Clock::TimePoint oldest);

  const core::Clock& _clock;
  core::Guarded<List> _list;
  std::atomic<bool> _standsStill{false};
};

}  // namespace p2::proxy
