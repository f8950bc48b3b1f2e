#pragma once

#include "LastSent.h"
#include "p2/core/Clock.h"
#include "p2/core/UniqueFunction.h"
#include "p2/push/Message.h"
#include "p2/push/Outcome.h"

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace p2::push {

/// The pushes in hand and who waits for each. A push is *ready*, *delayed* (until a time: to be tried again,
/// or since its node got a message just now), or *sending* (a worker has it). At most one push a node is
/// ready or delayed: a newer one for the same node joins it, its message replaces the older one's, and all
/// who wait get one outcome. A push that is sending is not joined, for the phone may be awake already and
/// about to sleep again.
///
/// A flow is a node's first: who joins a push that is in hand belongs to the flow of that. When memory is
/// short, those who wait in the flow that holds the most give way to one that holds less than half of it.
///
/// From one message for a node to the next, `spacing` passes: a push that comes earlier is delayed, and those
/// that follow join it.
///
/// Each push belongs to a flow: those of one domain, say. Flows take turns, one push each, and inside a flow
/// the first in is the first out, so a flow that is long delays only itself. When the queue is full, a push
/// of a flow with less than its fair share takes the place of the newest one of the longest flow. All of that
/// is done in constant time.
///
///     _turns:   a.example  [n1] [n7] [n4]   ready, the oldest first. Served in turns: n1, n3, n7, …
///               b.example  [n3]
///     _resting: c.example  (delayed: n5)    _wakeups: n5 at 12:00:01
///     _sending: n2                          a worker has it; a newer push for n2 is another one
///     _waiters: oldest first, each with its push: the order in which deadlines pass
///
/// Flows also stand in _levels, by how many pushes they have queued, and in _weights, by the width in bits of
/// what they hold: that finds the longest and the heaviest at once.
///
/// Everybody waits `deadline` at most, from the time of `add` on; a changed deadline holds for those who wait
/// already. Who has to be answered is appended to an `Answers`, for the caller to call without any lock.
///
/// Pure: time is passed in. Not thread-safe.
class PushQueue {
 public:
  using TimePoint = core::Clock::TimePoint;
  using Duration = core::Clock::Duration;
  using Done = core::UniqueFunction<void(const Outcome&)>;

  struct Limits {
    std::size_t nodes = 0;  ///< Pushes ready or delayed at most. A push that is tried again is never refused.
    /// Held by all who wait, sending included; those of one flow hold at most half of it.
    std::size_t bytes = 0;
    Duration deadline{};
    Duration spacing{};  ///< Not kept where it leaves too little of the deadline. Zero: none.
    Duration margin{};   ///< A try that begins less than this before the deadline is not worth waiting for.
  };

  struct Answer {
    Done done;
    TimePoint submitted;
  };
  using Answers = std::vector<Answer>;

  class Push;
  /// A push that is sending. Valid until `finish` or `retry`.
  using Handle = std::list<Push>::iterator;

  enum class Added { queued, joined, full };

  explicit PushQueue(const Limits& limits);
  PushQueue(const PushQueue&) = delete;
  PushQueue& operator=(const PushQueue&) = delete;
  /// Calls nobody: whoever still waits is forgotten.
  ~PushQueue();

  void setLimits(const Limits& limits) { _limits = limits; }

  /// Takes `message` (and leaves a spare one, whose memory the caller frees without any lock) and `done`,
  /// which hold `bytes`, unless it is full. Answers those who have to give way to this one. `now` must not be
  /// before that of the last call.
  Added add(const std::string& flow, const std::string& node, Message& message, Done& done, std::size_t bytes,
            TimePoint now, Answers& answers);

  /// The oldest ready push of the flow whose turn it is begins to be sent. REQUIRES: ready() > 0.
  Handle take(TimePoint now);
  /// What is to be sent. Until the push is finished, no call here changes it.
  static const Message& message(Handle push);
  /// Where it goes, likewise.
  static const std::string& node(Handle push);
  static const std::string& flow(Handle push);
  /// How often the push has been tried again.
  static unsigned retries(Handle push);
  /// When the last of those who wait for it stop waiting.
  TimePoint deadline(Handle push) const;

  /// The push is over; all who wait are to be answered.
  void finish(Handle push, Answers& answers);
  /// The push is to be tried again at `at`, together with what has come for its node meanwhile. Answers those
  /// whose deadline leaves no time for it; gives whether anybody is left, else the push is over.
  bool retry(Handle push, TimePoint at, Answers& answers);

  /// Makes ready the delayed pushes whose time has come, and answers those whose deadline has passed.
  void advance(TimePoint now, Answers& answers);
  /// Answers those who wait for a push that is not sending and for whom a try at `until` would be too late.
  void giveUpBefore(TimePoint until, Answers& answers);
  /// Answers all. Pushes that are sending stay until they are finished.
  void clear(Answers& answers);

  /// Whether a try at `at` is in time for one who comes now.
  bool inTime(TimePoint now, TimePoint at) const { return now + _limits.deadline >= at + _limits.margin; }
  /// When `advance` has something to do next. TimePoint::max() if never.
  TimePoint nextEvent() const;
  std::size_t ready() const noexcept { return _ready; }
  /// Ready or delayed.
  std::size_t queued() const noexcept { return _ready + _delayed; }
  /// Flows that have a push in hand.
  std::size_t flows() const noexcept { return _byFlow.size(); }
  std::size_t waiters() const noexcept { return _waiters.size(); }

 private:
  struct Waiter;
  struct Flow;
  using Waiters = std::list<Waiter>;
  using FlowHandle = std::list<Flow>::iterator;
  using Level = std::list<FlowHandle>;
  using Wakeups = std::multimap<TimePoint, Handle>;

  enum class State { ready, delayed, sending };

  bool makeRoom(std::size_t own, Answers& answers);
  bool makeRoomFor(std::size_t bytes, const Flow* flow, Answers& answers);
  bool shed(FlowHandle flow, std::size_t bytes, Answers& answers);
  void hold(FlowHandle flow, std::size_t bytes);
  FlowHandle flowOf(const std::string& name);
  Handle newPush(FlowHandle flow, const std::string& node, TimePoint now);
  void join(Handle push, Done&& done, std::size_t bytes, TimePoint now);
  void absorb(Handle push, Handle other);
  void answer(Waiters::iterator waiter, Answers& answers);
  void leave(Handle push);
  void space(Handle push, TimePoint now);
  void delay(Handle push, TimePoint until);
  void change(Handle push, State state);
  void recycle(Handle push);
  void settle(FlowHandle flow);
  void release(FlowHandle flow);
  std::list<Push>& listOf(Handle push) noexcept;

  Limits _limits;
  std::size_t _ready = 0;
  std::size_t _delayed = 0;
  std::list<Push> _sending;
  std::list<Flow> _turns;    ///< Flows with a ready push; the first is the next to be served.
  std::list<Flow> _resting;  ///< The other flows.
  std::vector<Level> _levels =
      std::vector<Level>(1);     ///< Flows by how many pushes they have queued; spare ones at 0.
  std::size_t _longest = 0;      ///< The highest level that has a flow.
  std::size_t _queuedFlows = 0;  ///< Flows above level 0.
  std::vector<Level> _weights =
      std::vector<Level>(1);  ///< Flows by the width in bits of what they hold; spare ones at 0.
  std::size_t _heaviest = 0;  ///< The highest weight that has a flow.
  Wakeups _wakeups;           ///< Of the delayed ones.
  std::unordered_map<std::string_view, FlowHandle> _byFlow;  ///< Views into Flow::name.
  std::unordered_map<std::string_view, Handle> _byNode;  ///< Ready and delayed ones. Views into Push::node.
  Waiters _waiters;                                      ///< Oldest first, which is the order of deadlines.
  std::size_t _bytes = 0;                                ///< Held by those who wait.
  LastSent _lastSent;
  // Spare nodes, so that a push in steady state allocates little.
  std::list<Push> _sparePushes;
  std::list<Flow> _spareFlows;
  Waiters _spareWaiters;
};

/// One push: PushQueue's own, to be used through its Handle.
class PushQueue::Push {
  friend class PushQueue;

  std::string node;
  FlowHandle flow;
  Message message;
  TimePoint updated;  ///< When the newest who waits came; `message` is theirs.
  unsigned retries = 0;
  State state = State::ready;
  Wakeups::iterator wakeup;  ///< Valid while delayed.
  Waiter* first = nullptr;   ///< The chain of those who wait, in no order. They belong to _waiters.
};

struct PushQueue::Flow {
  std::string name;
  std::list<Push> ready;  ///< Oldest first.
  std::list<Push> delayed;
  std::size_t pushes = 0;  ///< Those sending included. Without any, the flow is forgotten.
  std::size_t bytes = 0;   ///< Held by those who wait for them.
  bool hasTurn = false;    ///< Whether it is in _turns.
  std::size_t level = 0;   ///< Ready and delayed pushes, as _levels knows it.
  Level::iterator place;   ///< In _levels[level].
  std::size_t weight = 0;  ///< The width of `bytes`, as _weights knows it.
  Level::iterator scale;   ///< In _weights[weight].
};

struct PushQueue::Waiter {
  Done done;
  std::size_t bytes;
  TimePoint submitted;
  Handle push;
  Waiters::iterator self;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

}  // namespace p2::push
