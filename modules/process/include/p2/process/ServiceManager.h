#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace p2::process {

/// Tells systemd, or whatever set NOTIFY_SOCKET, how we are (sd_notify(3)). Without that variable nothing
/// happens, nor when the socket cannot be reached. Thread-safe.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET.
  ServiceManager();
  /// Sends to the socket of this name: a path, or an abstract name behind `@`. Empty: to nobody.
  explicit ServiceManager(std::string socketName);

  void ready() const { send("READY=1"); }
  /// One line for `systemctl status`.
  void status(const std::string& text) const { send("STATUS=" + text); }
  /// Begins a reload, which ready() ends.
  void reloading() const;
  void stopping() const { send("STOPPING=1"); }
  /// To be told at least this often that the program lives, or else it is ended and started again
  /// (WATCHDOG_USEC). None: nobody watches, or another process is meant.
  std::optional<std::chrono::microseconds> watchdogInterval() const { return _watchdogInterval; }
  void alive() const { send("WATCHDOG=1"); }

 private:
  void send(const std::string& state) const;

  const std::string _socketName;
  const std::optional<std::chrono::microseconds> _watchdogInterval;
};

}  // namespace p2::process
