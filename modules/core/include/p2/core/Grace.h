#pragma once

#include "p2/core/Clock.h"

#include <cstddef>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace p2::core {

/// Verdicts that cost somebody a registration, each of which is believed only when it is said again after a
/// while: what is said once may be a mistake, ours or another one's, that somebody is about to mend.
///
/// Memory is bounded: `most` nodes are watched at a time, with some 150 bytes each, and as much again and its
/// name for each flow. When there are more, one of the flow that has the most gives way. It is the first of
/// them if that has had its time twice over, for then nobody asks for it any more, or it has been believed
/// for long; else it is the newest, the newcomer itself included. So those that have waited for longest get
/// to the end of their time whatever comes meanwhile, and one flow's made-up nodes push out nobody else's.
///
/// Nodes and targets are known by their hashes. Pure: time is passed in. Not thread-safe.
class Grace {
 public:
  using TimePoint = Clock::TimePoint;
  using Duration = Clock::Duration;

  /// What becomes of a verdict that is believed.
  enum class Then {
    forget,  ///< It begins anew when it is said again.
    keep     ///< It is believed from then on.
  };
  enum class Verdict {
    begins,  ///< It is watched from now on.
    waits,   ///< It is watched already, or there is no room for it.
    believed
  };

  explicit Grace(std::size_t most, Then then = Then::forget) : _most(most), _then(then) {}
  Grace(const Grace&) = delete;
  Grace& operator=(const Grace&) = delete;

  /// It is said of `target`, which `node` of `flow` has; another target than before begins anew. It is
  /// believed if it was said at least `after` ago. `now` must not be before that of the last call.
  Verdict said(std::size_t node, std::string_view flow, std::size_t target, TimePoint now, Duration after);
  /// The node has been shown to live, or what was said of it is not to count.
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
    Watch watched;  ///< The one of which it was said first is first.
  };

  bool makeRoom(std::string_view flow, TimePoint now, Duration after);
  void remove(Watch::iterator watched);
  void resize(Flows::iterator flow, std::size_t before);

  const std::size_t _most;
  const Then _then;
  Flows _flows;  ///< Those that have any.
  /// In order, as a peer who chooses the nodes could make all of them fall into one bucket of a hash table.
  std::map<std::size_t, Watch::iterator> _byNode;
  std::set<std::pair<std::size_t, std::string_view>> _bySize;  ///< How many a flow has. Views into _flows.
};

}  // namespace p2::core
