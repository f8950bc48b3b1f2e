#pragma once

#include "p2/core/Guarded.h"

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace p2::logging {

/// Keeps the last warnings and errors of the log, for those who ask how the daemon is. Reference-counted by
/// the loggers, as Poco's channels are. Thread-safe.
class RecentFaults final : public Poco::Channel {
 public:
  static constexpr std::size_t kKept = 20;

  /// A line of the log that was a warning or worse.
  struct Fault {
    std::chrono::sys_seconds time{};
    std::string text;
  };

  /// Adds itself to every logger, beside the channel that it has, which gets each message as one line from
  /// then on, and whose faults end there: see LenientChannel for `files`. Call it when the logging is
  /// configured and before the threads that log.
  static Poco::AutoPtr<RecentFaults> attach(const std::vector<Poco::Channel::Ptr>& files = {});

  void log(const Poco::Message& message) override;

  /// The oldest first. A fault that repeats at once is kept once, with the last time.
  std::vector<Fault> last() const;

 private:
  core::Guarded<std::deque<Fault>> _faults;
};

}  // namespace p2::logging
