#pragma once

#include "p2/core/Poll.h"
#include "p2/http/HttpsSession.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/SecureStreamSocketImpl.h>
#include <Poco/Net/Session.h>
#include <Poco/Net/StreamSocket.h>

#include <cstddef>
#include <optional>
#include <string>

namespace p2::http {

/// A TLS socket with one deadline for everything: Poco's own timeouts start anew with every byte, so that a
/// peer that trickles outlasts them. The socket below does not block, each wait ends at the deadline, and
/// what went wrong is kept as a value beside the exception that Poco's streams swallow. Used by one thread at
/// a time.
class TlsSocket final : public Poco::Net::SecureStreamSocketImpl {
 public:
  /// Takes over a connected socket.
  TlsSocket(Poco::Net::StreamSocket& connected, const Poco::Net::Context::Ptr& context);

  /// TLS with `host`, resuming `session` if there is one; verifies the certificate and its name. Throws
  /// Poco::Exception, and sets fault().
  void handshake(const std::string& host, const Poco::Net::Session::Ptr& session, core::RealTime deadline);

  /// Begins a request: its deadline, and how many bytes of answer are taken.
  void beginExchange(core::RealTime deadline, std::size_t limit) noexcept;
  /// Bytes of answer that came since beginExchange().
  std::size_t received() const noexcept { return _received; }
  /// Whether nothing can be read: neither data nor the end of the connection, which are lost by asking. TLS's
  /// own messages, such as tickets, are taken in. REQUIRES: no exchange is under way. Does not block: one
  /// system call.
  bool isQuiet() noexcept;
  /// Whether the peer has ended the connection.
  bool ended() const noexcept { return _ended; }
  /// Whether it ended because nobody acknowledged what was sent.
  bool isLost() const noexcept { return _lost; }
  /// What went wrong, if something did.
  std::optional<Fault::Kind> fault() const noexcept { return _fault; }

  using Poco::Net::SecureStreamSocketImpl::receiveBytes;
  using Poco::Net::SecureStreamSocketImpl::sendBytes;
  int receiveBytes(void* buffer, int length, int flags = 0) override;
  int sendBytes(const void* buffer, int length, int flags = 0) override;

 private:
  template <class Operation>
  int run(Operation operation);
  [[noreturn]] void fail(Fault::Kind kind);
  void count(int length);

  core::RealTime _deadline{};
  std::size_t _limit = 0;
  std::size_t _received = 0;
  bool _ended = false;
  bool _sent = false;  // and nothing was received since
  bool _lost = false;
  std::optional<Fault::Kind> _fault;
};

}  // namespace p2::http
