#pragma once

#include "support/Certificates.h"
#include "support/LoopbackServer.h"

#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace p2::test {

/// A TLS server whose every word a test writes itself, so that it can misbehave. Only on loopback, on a free
/// port.
class TlsServer {
 public:
  /// One connection, in its own thread.
  class Peer {
   public:
    explicit Peer(SSL* ssl) : _ssl(ssl) {}

    /// Header and body of the next request; nothing if the client has closed.
    std::optional<std::string> readRequest();
    void write(std::string_view bytes);
    /// What is written until `together` has returned leaves in one segment.
    void inOneSegment(const std::function<void()>& together);
    /// Sends a session ticket at once (TLS 1.3).
    void sendTicket();
    /// Takes little at once from now on, so that a peer that does not read is noticed soon.
    void narrow();
    /// Reads nothing until the connection is over.
    void ignore();
    /// Writes what TLS does not know of.
    void writeBelowTls(std::string_view bytes);
    /// A whole answer with a Content-Length.
    void answer(const std::string& status, const std::string& body, const std::string& headers = {});
    /// Waits for the client to close, or to send something, at most for `bound`.
    bool closedWithin(std::chrono::milliseconds bound);
    /// Waits for the client to close.
    void waitForClose() { closedWithin(std::chrono::milliseconds(60000)); }
    /// Whether the client resumed an earlier session.
    bool resumed() const { return SSL_session_reused(_ssl) != 0; }
    /// Ends our side of the connection without a word of TLS.
    void shutdownBelowTls();
    /// Ends the connection in good order; without it, it is cut.
    void shutdown() { SSL_shutdown(_ssl); }

   private:
    SSL* _ssl;
    std::string _buffered;
  };

  /// `handle(peer, n)` is called for the n-th connection, counted from 1, after its handshake.
  using Handler = std::function<void(Peer&, int connection)>;

  TlsServer(Identity identity, Handler handle, const std::string& address = "127.0.0.1");

  std::uint16_t port() const { return _server->port(); }
  int connections() const { return _server->connections(); }
  std::string url(const std::string& host = "localhost") const {
    return "https://" + host + ':' + std::to_string(port());
  }

 private:
  void serve(int socket, int connection);

  const Identity _identity;
  const Handler _handle;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> _context;
  std::unique_ptr<LoopbackServer> _server;
};

}  // namespace p2::test
