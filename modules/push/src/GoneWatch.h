#pragma once

#include "p2/core/Clock.h"

#include <cstddef>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace p2::push {

/// The targets that the push service called gone, until it says so again after a while: what it says once
/// may be a mistake, ours or its own, that somebody is about to mend.
///
/// Memory is bounded: `most` are watched at a time. When there are more, one of the flow that has the most
/// gives way. It is the first of them if that has had its time twice over, for then nobody pushes to it any
/// more; else it is the newest, the newcomer itself included. So those that have waited for longest get to
/// the end of their time whatever comes meanwhile, and one flow's made-up targets push out nobody else's.
///
/// Nodes and targets are known by their hashes. Pure: time is passed in. Not thread-safe.
class GoneWatch {
 public:
  using TimePoint = core::Clock::TimePoint;
  using Duration = core::Clock::Duration;

  explicit GoneWatch(std::size_t most) : _most(most) {}
  GoneWatch(const GoneWatch&) = delete;
  GoneWatch& operator=(const GoneWatch&) = delete;

  /// `target`, which `node` of `flow` has, is called gone. Gives whether it was so at least `after` ago, and
  /// forgets it then; else it is watched from now on, or as before. `now` must not be before that of the last
  /// call.
  bool gone(std::size_t node, std::string_view flow, std::size_t target, TimePoint now, Duration after);
  /// Something was delivered to the node, or what was said of it is not to count.
  void forget(std::size_t node);
  void clear();

  std::size_t size() const noexcept { return _byNode.size(); }

 private:
  struct Flow;
  using Flows = std::map<std::string, Flow, std::less<>>;
  struct Watched {
    std::size_t node;
    std::size_t target;
    TimePoint first;
    Flows::iterator flow;
  };
  using Watch = std::list<Watched>;
  struct Flow {
    Watch watched;  ///< The one that was called gone first is first.
  };

  bool makeRoom(std::string_view flow, TimePoint now, Duration after);
  void remove(Watch::iterator watched);
  void resize(Flows::iterator flow, std::size_t before);

  const std::size_t _most;
  Flows _flows;  ///< Those that have any.
  std::unordered_map<std::size_t, Watch::iterator> _byNode;
  std::set<std::pair<std::size_t, std::string_view>> _bySize;  ///< How many a flow has. Views into _flows.
};

}  // namespace p2::push
