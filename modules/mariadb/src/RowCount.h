#pragma once

#include "Hosts.h"
#include "Session.h"
#include "p2/core/Clock.h"
#include "p2/mariadb/Options.h"
#include "p2/store/RegistrationStore.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace p2::mariadb {

/// How many rows there are, counted in a thread of its own when somebody asks, but not again for a while: a
/// database takes its time for millions. Thread-safe.
class RowCount {
 public:
  using Statistics = store::RegistrationStore::Statistics;

  /// `options` must outlive it. `welcome` and `purpose`: as Hosts has them.
  RowCount(const Options& options, Hosts::Welcome welcome, Purpose purpose);
  RowCount(const RowCount&) = delete;
  RowCount& operator=(const RowCount&) = delete;
  ~RowCount();

  /// The last count, or a new one, for which it waits a moment. Zeros if none has succeeded yet.
  Statistics look();

 private:
  void run();
  std::optional<Statistics> count();

  const Options& _options;
  Hosts _hosts;
  Session _session;  ///< Used by the thread only.
  std::mutex _mutex;
  std::condition_variable _changed;
  // Under _mutex.
  bool _closing = false;
  bool _wanted = false;
  core::Clock::TimePoint _due = core::Clock::TimePoint::min();
  std::optional<Statistics> _last;
  std::thread _thread;  ///< Last: it uses all of the above.
};

}  // namespace p2::mariadb
