#include "support/LoopbackServer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace p2::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Gives the port. Throws std::runtime_error if there is none.
std::uint16_t bindToFreePort(int socket) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket, generic, size) != 0 || ::getsockname(socket, generic, &size) != 0) {
    throw std::runtime_error("no port on 127.0.0.1");
  }
  return ntohs(address.sin_port);
}

}  // namespace

LoopbackServer::LoopbackServer(Handler handle, const std::string& address) : _handle(std::move(handle)) {
  ::signal(SIGPIPE, SIG_IGN);
  const bool isV6 = address.find(':') != std::string::npos;
  sockaddr_in v4 = loopback(0);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  const bool parsed = ::inet_pton(isV6 ? AF_INET6 : AF_INET, address.c_str(),
                                  isV6 ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr) == 1;
  auto* generic = isV6 ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  socklen_t size = isV6 ? sizeof(v6) : sizeof(v4);
  _listener = ::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!parsed || ::bind(_listener, generic, size) != 0 || ::listen(_listener, 64) != 0 ||
      ::getsockname(_listener, generic, &size) != 0) {
    ::close(_listener);
    throw std::runtime_error("no port on " + address);
  }
  _port = ntohs(isV6 ? v6.sin6_port : v4.sin_port);
  _acceptor = std::thread([this] { acceptLoop(); });
}

LoopbackServer::~LoopbackServer() {
  {
    const std::scoped_lock lock(_mutex);
    _stopping = true;
    for (const int socket : _open) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(_listener, SHUT_RDWR);
  _acceptor.join();
  for (auto& thread : _threads) thread.join();
  ::close(_listener);
}

void LoopbackServer::acceptLoop() {
  for (;;) {
    const int socket = ::accept4(_listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const std::scoped_lock lock(_mutex);
    if (_stopping) {
      ::close(socket);
      return;
    }
    const int on = 1;  // Otherwise an answer waits for the acknowledgement of the TLS tickets before it.
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    _open.insert(socket);
    _threads.emplace_back([this, socket, connection = ++_connections] {
      _handle(socket, connection);
      const std::scoped_lock closing(_mutex);
      _open.erase(socket);
      ::close(socket);
    });
  }
}

DeafServer::DeafServer() {
  _sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  _port = bindToFreePort(_sockets.front());
  if (::listen(_sockets.front(), 0) != 0) throw std::runtime_error("nobody may listen on 127.0.0.1");
  const sockaddr_in address = loopback(_port);
  // Nobody accepts, so that the system drops what comes once the queue is full.
  for (bool full = false; !full;) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    _sockets.push_back(socket);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) continue;
    pollfd entry{socket, POLLOUT, 0};
    full = ::poll(&entry, 1, 100) == 0;
  }
}

DeafServer::~DeafServer() {
  for (const int socket : _sockets) ::close(socket);
}

RefusingPort::RefusingPort() : _socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  _port = bindToFreePort(_socket);
}

RefusingPort::~RefusingPort() {
  ::close(_socket);
}

int connectLoopback(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(socket);
    return -1;
  }
  return socket;
}

}  // namespace p2::test
