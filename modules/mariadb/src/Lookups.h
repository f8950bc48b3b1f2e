#pragma once

#include "Connection.h"
#include "Fault.h"
#include "FoundCache.h"
#include "Hosts.h"
#include "Records.h"
#include "Session.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"
#include "p2/store/FairQueue.h"
#include "p2/store/Registrations.h"

#include <atomic>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace p2::mariadb {

/// The threads that look up, each with a connection of its own: what waits is asked together. One of them
/// asks again for what was not found, and one for devices, so that nobody else waits where a cluster must
/// first agree. Who has waited for twice the timeout is not asked for any more.
/// Thread-safe.
class Lookups {
 public:
  using Found = store::Registrations::Found;
  using Callback = store::Registrations::Callback<Found>;

  /// All must outlive it: `found`, in which it keeps what it finds, and `holdsAny`, in which it notes whether
  /// the table has rows.
  Lookups(const Options& options, Hosts& hosts, FoundCache& found, std::atomic<bool>& holdsAny);
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;
  ~Lookups() { stop(); }

  /// Answers what is asked, and joins the threads. What is asked from now on fails at once.
  void stop();

  /// Calls back in one of the threads; at once if too much waits, or when another flow needs the place.
  /// `flow`: as in FairQueue, the same for all that is asked of one device.
  void ask(Name name, std::string flow, Callback done);

  /// Why the last look-up failed; empty if it did not.
  std::string lastFault() const;
  /// As if a look-up had come to this.
  void note(const MaybeFault& fault);

 private:
  struct Sought {
    Name name;
    std::string flow;
    Callback done;
    core::Clock::TimePoint since{};  ///< When it was asked.
  };

  using Batch = std::vector<Sought>;
  using Queue = store::FairQueue<Sought>;
  using Look = Outcome<Records> (Lookups::*)(Connection&, std::span<const Name* const>) const;

  void begin(std::size_t count, Queue& queue, void (Lookups::*serve)(Session&, Batch&));
  void run(Queue& queue, void (Lookups::*serve)(Session&, Batch&));
  void answerFound(Session& session, Batch& batch);
  void answerAll(Session& session, Batch& batch);
  void answer(Sought& sought, core::Result<Found> result, const FoundCache::Reading& reading);
  Outcome<Records> lookUp(Session& session, const Batch& batch, Look look);
  Outcome<Records> look(Connection& connection, std::span<const Name* const> names) const;
  Outcome<Records> lookCausally(Connection& connection, std::span<const Name* const> names) const;
  void refuseLate(Batch& batch) const;
  void submit(Queue& queue, Sought sought) const;

  const Options& _options;
  Hosts& _hosts;
  FoundCache& _found;
  std::atomic<bool>& _holdsAny;
  Queue _queue;
  Queue _missed;   ///< What was not found: for one thread.
  Queue _devices;  ///< For one, too: a withdrawal must not overtake the registration before it.
  core::Guarded<std::string> _lastFault;
  std::vector<std::thread> _threads;  ///< They use all of the above; in the order of the queues.
};

}  // namespace p2::mariadb
