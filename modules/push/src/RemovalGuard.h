#pragma once

#include "p2/core/Clock.h"
#include "p2/core/Grace.h"
#include "p2/push/Outcome.h"
#include "p2/push/ServiceName.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string_view>
#include <vector>

namespace p2::push {

/// Stands between the push service's verdict that a target is gone and the removal of its registration, for
/// removing one that lives silences a phone. What is not believed becomes `doubted`.
///
/// - **Grace.** The verdict must come twice for the same node and target, `goneAfter` apart or more, with no
///   delivery in between. A mistake that is mended meanwhile costs nobody anything.
/// - **A large share.** When the verdict comes for many different targets at once, the fault is ours (another
///   project's credentials, an old database), however long it lasts. The guard *trips* when at least
///   `minimum` of the last `capacity` different targets are gone and these are more than `share`, until the
///   share is below half of that. It also trips when `row` different targets are gone and in `quiet` nothing
///   was delivered to anybody, until something is: that is what it goes by on a server with few phones. While
///   it is tripped nothing is believed, and every grace begins anew. Silence does not clear it, since it
///   repairs nothing. Targets count and not nodes, of which one phone may have many.
/// - **The wrong project.** A verdict that also comes when our own project is the wrong one is believed only
///   while others are delivered to, and of few in a row (`onlyIfOthersSucceed`).
/// - **New credentials** end all of that: what the old ones were told says nothing of them.
///
/// A verdict on a target is forgotten when there have been `memory` deliveries since: no time passes on a
/// server where nothing is delivered. Where half of the targets that are pushed to are dead the guard trips,
/// and the dead ones stay until live ones prevail: that costs messages to nobody, the other error costs
/// users.
///
/// Thread-safe.
class RemovalGuard {
 public:
  struct Options {
    ServiceName service;                     ///< Whose verdicts they are, for what the operator is told.
    std::chrono::milliseconds goneAfter{0};  ///< The grace. Zero: the first verdict is believed.
    std::size_t watched = 20000;             ///< Targets in their grace at most; some 150 bytes each.
    std::size_t minimum = 20;       ///< Different targets that must be gone before their share counts.
    double share = 0.5;             ///< Share of gone among the nodes remembered above which it trips.
    std::size_t capacity = 40;      ///< Different nodes remembered.
    std::uint64_t memory = 200;     ///< Deliveries after which a verdict is forgotten.
    std::size_t row = 5;            ///< Different nodes gone in a row that trip it.
    std::chrono::minutes quiet{1};  ///< The row's duration at least: where more is sent, the share will tell.
    /// Verdicts that count only while others succeed are believed for so long after a delivery, and for so
    /// many different nodes.
    std::chrono::minutes vouching{10};
    std::size_t mismatches = 3;
    const core::Clock* clock = &core::systemClock();  ///< Must outlive the guard.
  };

  /// Who a message was for.
  struct Addressee {
    std::string_view node;
    std::string_view flow;
    std::string_view target;
  };

  enum class Event { none, tripped, cleared, begunAnew };

  /// REQUIRES: `minimum` is at least 1 and not above `capacity`.
  explicit RemovalGuard(const Options& options);

  /// Takes note of what became of a message that was sent with the credentials of `generation`. A targetGone
  /// that must not be acted on becomes doubted. Once a message, however many wait for it. Gives what this
  /// changed, for one line in the log.
  Event judge(const Addressee& addressee, std::uint64_t generation, Outcome& outcome);

  /// Forgets all, and believes nothing that credentials before those of `generation` are told. Gives what
  /// this changed, as above.
  Event credentialsChanged(std::uint64_t generation);
  /// Holds at once for all that are watched.
  void setGoneAfter(std::chrono::milliseconds goneAfter);

  bool tripped() const;
  /// Targets that are in their grace. Does not lock.
  std::size_t watched() const noexcept { return _watched.load(std::memory_order_relaxed); }

 private:
  using TimePoint = core::Clock::TimePoint;
  struct Verdict {
    std::size_t target;        ///< Its hash.
    std::uint64_t deliveries;  ///< How many there had been by then.
    bool gone;
  };

  Event delivered(const Addressee& addressee, TimePoint now);
  Event gone(const Addressee& addressee, TimePoint now, Outcome& outcome);
  void remember(std::size_t target, bool gone);
  Event update(TimePoint now);
  bool tripping() const noexcept { return _manyGone || _rowGone; }
  bool vouchedFor(TimePoint now) const noexcept;

  const Options _options;
  mutable std::mutex _mutex;  // guards all below
  std::chrono::milliseconds _goneAfter;
  std::uint64_t _since = 0;  ///< The generation of the credentials that count.
  core::Grace _watch;
  std::atomic<std::size_t> _watched{0};  ///< Its size.
  std::deque<Verdict> _verdicts;         ///< One a target, the oldest first.
  std::uint64_t _deliveries = 0;
  TimePoint _lastDelivery = TimePoint::min();
  std::vector<std::size_t> _row;  ///< Different targets that are gone since the last delivery, `row` at most.
  TimePoint _rowSince{};          ///< When the first of them was called gone.
  bool _manyGone = false;
  bool _rowGone = false;
};

/// Logs the line that the event is worth.
void report(RemovalGuard::Event event, const ServiceName& service);

}  // namespace p2::push
