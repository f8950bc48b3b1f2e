#pragma once

#include <string>

namespace p2::app {

/// Tells systemd, or whatever set NOTIFY_SOCKET, how we are (sd_notify(3)). Without that variable nothing
/// happens, nor when the socket cannot be reached. Thread-safe.
class ServiceManager {
 public:
  /// Reads NOTIFY_SOCKET.
  ServiceManager();
  /// Sends to the socket of this name: a path, or an abstract name behind `@`. Empty: to nobody.
  explicit ServiceManager(std::string socketName) : _socketName(std::move(socketName)) {}

  void ready() const { send("READY=1"); }
  /// One line for `systemctl status`.
  void status(const std::string& text) const { send("STATUS=" + text); }
  /// Begins a reload, which ready() ends.
  void reloading() const;
  void stopping() const { send("STOPPING=1"); }

 private:
  void send(const std::string& state) const;

  const std::string _socketName;
};

}  // namespace p2::app
