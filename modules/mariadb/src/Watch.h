#pragma once

#include "Connection.h"
#include "Hosts.h"
#include "Lookups.h"
#include "Writer.h"
#include "p2/core/Rounds.h"

#include <functional>

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

  /// Begins to end. Does not wait.
  void close() { _rounds.stop(); }

 private:
  core::Rounds::Duration goRound() noexcept;
  void tryAll(bool alsoIfWell);
  MaybeFault tryReading(bool cannotWrite);

  Hosts& _hosts;
  Lookups& _lookups;
  const Writer& _writer;
  const std::function<void()> _write;
  const std::function<void(Connection&)> _visit;
  int _round = 0;
  core::Rounds _rounds;  ///< Last: they use all of the above.
};

}  // namespace p2::mariadb
