#pragma once

#include "Connection.h"
#include "Hosts.h"
#include "Lookups.h"
#include "Writer.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace p2::mariadb {

/// Sees, in a thread of its own, that a database is back which nobody asks: while reading or writing fails,
/// it tries; and now and then it tries though nothing fails, and asks the hosts that are let alone.
/// Thread-safe.
class Watch {
 public:
  /// `write` has something written, unless something waits to be. `visit` is given a connection that serves,
  /// now and then while all is well. All must outlive it; both are called in its thread.
  Watch(Hosts& hosts, Lookups& lookups, const Writer& writer, std::function<void()> write,
        std::function<void(Connection&)> visit);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// Begins to end. Does not wait.
  void close();

 private:
  void run();
  void tryAll(bool alsoIfWell);
  MaybeFault tryReading(bool cannotWrite);

  Hosts& _hosts;
  Lookups& _lookups;
  const Writer& _writer;
  const std::function<void()> _write;
  const std::function<void(Connection&)> _visit;
  std::mutex _mutex;
  std::condition_variable _wake;
  bool _closing = false;  ///< Under _mutex.
  std::thread _thread;    ///< Last: it uses all of the above.
};

}  // namespace p2::mariadb
