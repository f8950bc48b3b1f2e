#pragma once

#include <Poco/AutoPtr.h>
#include <Poco/Channel.h>

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace p2::logging {

/// Passes messages on to another channel, and lets no fault of that one out: that a log cannot be written, on
/// a disk that is full for example, is no reason not to serve. What is fatal goes to stderr then.
/// Reference-counted by the loggers, as Poco's channels are. Thread-safe.
class LenientChannel final : public Poco::Channel {
 public:
  /// Called once when logging has become impossible, with why; in the thread that logs. Must not log.
  using OnFault = std::function<void(const std::string& why)>;

  /// A file that could not be written stays as it is, also when there is room again, unless it is closed: of
  /// `files`, all are closed from time to time while there are faults, and open with the next message.
  LenientChannel(Ptr to, std::vector<Ptr> files, OnFault onFault);

  /// The channels that write to files, by the settings of Poco's logging, once that is configured.
  static std::vector<Ptr> filesOf(const std::map<std::string, std::string>& settings);

  void log(const Poco::Message& message) override;

 private:
  using Clock = std::chrono::steady_clock;

  void failed(const Poco::Message& message, const std::string& why);

  Ptr _to;
  std::vector<Ptr> _files;
  const OnFault _onFault;
  std::mutex _mutex;
  bool _faulty = false;
  Clock::time_point _reopenAt{};
};

}  // namespace p2::logging
