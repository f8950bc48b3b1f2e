#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace p2::test {

/// Takes connections on a free port of a loopback address, each in a thread of its own. The destructor ends
/// those that are open and joins their threads.
class LoopbackServer {
 public:
  /// `handle(socket, n)` is called for the n-th connection, counted from 1; it does not close the socket.
  using Handler = std::function<void(int socket, int connection)>;

  /// `address`: of IPv4 or IPv6. Throws std::runtime_error if this machine does not have it.
  explicit LoopbackServer(Handler handle, const std::string& address = "127.0.0.1");
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  ~LoopbackServer();

  std::uint16_t port() const { return _port; }
  /// Connections so far.
  int connections() const { return _connections; }

 private:
  void acceptLoop();

  const Handler _handle;
  int _listener = -1;
  std::uint16_t _port = 0;
  std::atomic<int> _connections{0};
  std::mutex _mutex;
  std::set<int> _open;
  bool _stopping = false;
  std::vector<std::thread> _threads;
  std::thread _acceptor;
};

/// A port of 127.0.0.1 that takes no connection and refuses none: whoever tries waits, as behind a firewall
/// that drops.
class DeafServer {
 public:
  DeafServer();
  DeafServer(const DeafServer&) = delete;
  DeafServer& operator=(const DeafServer&) = delete;
  ~DeafServer();

  std::uint16_t port() const { return _port; }

 private:
  std::uint16_t _port = 0;
  std::vector<int> _sockets;  // the listener, and those that fill its queue
};

/// A port of 127.0.0.1 at which nobody listens. It is held, so that nobody else gets it meanwhile.
class RefusingPort {
 public:
  RefusingPort();
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;
  ~RefusingPort();

  std::uint16_t port() const { return _port; }

 private:
  int _socket = -1;
  std::uint16_t _port = 0;
};

/// A socket connected to a port of 127.0.0.1.
int connectLoopback(std::uint16_t port);

}  // namespace p2::test
