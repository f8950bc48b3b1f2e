#include "support/LoopbackServer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

}  // namespace

LoopbackServer::LoopbackServer(Handler handle) : _handle(std::move(handle)) {
  ::signal(SIGPIPE, SIG_IGN);
  _listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(_listener, generic, size) != 0 || ::listen(_listener, 64) != 0 ||
      ::getsockname(_listener, generic, &size) != 0) {
    throw std::runtime_error("no port on 127.0.0.1");
  }
  _port = ntohs(address.sin_port);
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
