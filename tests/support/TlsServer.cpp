#include "support/TlsServer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace p2::test {

namespace {

std::size_t contentLength(std::string header) {
  std::transform(header.begin(), header.end(), header.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto at = header.find("content-length:");
  return at == std::string::npos ? 0 : std::stoul(header.substr(at + 15));
}

}  // namespace

std::optional<std::string> TlsServer::Peer::readRequest() {
  std::array<char, 4096> chunk{};
  for (;;) {
    const auto end = _buffered.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t total = end + 4 + contentLength(_buffered.substr(0, end));
      if (_buffered.size() >= total) {
        std::string request = _buffered.substr(0, total);
        _buffered.erase(0, total);
        return request;
      }
    }
    const int count = SSL_read(_ssl, chunk.data(), static_cast<int>(chunk.size()));
    if (count <= 0) return std::nullopt;
    _buffered.append(chunk.data(), static_cast<std::size_t>(count));
  }
}

void TlsServer::Peer::write(std::string_view bytes) {
  SSL_write(_ssl, bytes.data(), static_cast<int>(bytes.size()));
}

void TlsServer::Peer::inOneSegment(const std::function<void()>& together) {
  const auto cork = [this](int on) {
    ::setsockopt(SSL_get_fd(_ssl), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
  };
  cork(1);
  together();
  cork(0);
}

void TlsServer::Peer::sendTicket() {
  SSL_new_session_ticket(_ssl);
  SSL_do_handshake(_ssl);
}

void TlsServer::Peer::narrow() {
  const int size = 4096;
  ::setsockopt(SSL_get_fd(_ssl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

void TlsServer::Peer::ignore() {
  pollfd entry{SSL_get_fd(_ssl), POLLRDHUP, 0};
  ::poll(&entry, 1, 60000);
}

void TlsServer::Peer::writeBelowTls(std::string_view bytes) {
  ::send(SSL_get_fd(_ssl), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void TlsServer::Peer::shutdownBelowTls() {
  ::shutdown(SSL_get_fd(_ssl), SHUT_WR);
}

void TlsServer::Peer::answer(const std::string& status, const std::string& body, const std::string& headers) {
  write("HTTP/1.1 " + status + "\r\n" + headers + "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
}

bool TlsServer::Peer::closedWithin(std::chrono::milliseconds bound) {
  pollfd entry{SSL_get_fd(_ssl), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(bound.count())) > 0;
}

TlsServer::TlsServer(Identity identity, Handler handle, const std::string& address)
    : _identity(std::move(identity)),
      _handle(std::move(handle)),
      _context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
  SSL_CTX_use_certificate(_context.get(), _identity.certificate.get());
  SSL_CTX_use_PrivateKey(_context.get(), _identity.key.get());
  _server = std::make_unique<LoopbackServer>(
      [this](int socket, int connection) { serve(socket, connection); }, address);
}

void TlsServer::serve(int socket, int connection) {
  SSL* ssl = SSL_new(_context.get());
  SSL_set_fd(ssl, socket);
  if (SSL_accept(ssl) == 1) {
    Peer peer(ssl);
    _handle(peer, connection);
  }
  SSL_free(ssl);
}

}  // namespace p2::test
