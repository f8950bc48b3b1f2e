#pragma once

#include "Connection.h"
#include "Fault.h"
#include "Hosts.h"
#include "Records.h"
#include "Session.h"
#include "p2/core/BoundedQueue.h"
#include "p2/core/Clock.h"
#include "p2/core/Guarded.h"
#include "p2/mariadb/Options.h"
#include "p2/store/Registrations.h"

#include <atomic>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace p2::mariadb {

/// The threads that look up, each with a connection of its own: what waits is asked together. Thread-safe.
class Lookups {
 public:
  using Found = store::Registrations::Found;
  using Callback = store::Registrations::Callback<Found>;

  /// Both must outlive it, and `holdsAny`, in which it notes whether the table has rows.
  Lookups(const Options& options, Hosts& hosts, std::atomic<bool>& holdsAny);
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;
  ~Lookups() { stop(); }

  /// Answers what is asked, and joins the threads. What is asked from now on fails at once.
  void stop();

  /// Calls back in one of the threads; at once if too much waits.
  void ask(Name name, Callback done);

  /// Why the last look-up failed; empty if it did not.
  std::string lastFault() const;

 private:
  struct Sought {
    Name name;
    Callback done;
    core::Clock::TimePoint since{};  ///< When it was asked.
  };

  void run();
  void answer(Session& session, std::vector<Sought>& batch);
  Outcome<Records> look(Connection& connection, std::span<const Name* const> names);
  MaybeFault askAgain(Connection& connection, std::span<const Name* const> missing, Records& found);

  const Options& _options;
  Hosts& _hosts;
  std::atomic<bool>& _holdsAny;
  core::BoundedQueue<Sought> _queue;
  core::Guarded<std::string> _lastFault;
  std::vector<std::thread> _threads;  ///< Last: they use all of the above.
};

}  // namespace p2::mariadb
