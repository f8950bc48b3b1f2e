#include "TlsSocket.h"

#include "p2/http/Route.h"

#include <Poco/Exception.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>
#include <openssl/err.h>

#include <cerrno>
#include <utility>

namespace p2::http {

using Poco::Net::SecureStreamSocket;
using Poco::Net::SecureStreamSocketImpl;

namespace {

Poco::Net::StreamSocketImpl* nonBlocking(Poco::Net::StreamSocket& socket) {
  socket.setBlocking(false);
  return static_cast<Poco::Net::StreamSocketImpl*>(socket.impl());
}

/// Poco asks both about the operation that follows, and an older entry would be taken for its result.
void forgetErrors() {
  ERR_clear_error();
  errno = 0;
}

Fault::Kind kindOf(const Poco::Exception& exception) {
  if (dynamic_cast<const Poco::Net::SSLConnectionUnexpectedlyClosedException*>(&exception) != nullptr) {
    return Fault::Kind::closed;
  }
  // OpenSSL 3 tells a connection that ends without close_notify as an error of its own.
  const bool isTls = dynamic_cast<const Poco::Net::SSLException*>(&exception) != nullptr;
  const bool isEnd = exception.message().find("unexpected eof") != std::string::npos;
  return isTls && !isEnd ? Fault::Kind::tls : Fault::Kind::closed;
}

}  // namespace

TlsSocket::TlsSocket(Poco::Net::StreamSocket& connected, const Poco::Net::Context::Ptr& context)
    : SecureStreamSocketImpl(nonBlocking(connected), context) {}

void TlsSocket::handshake(const std::string& host, const Poco::Net::Session::Ptr& session,
                          core::RealTime deadline) {
  _deadline = deadline;
  if (!isAddress(host)) setPeerHostName(host);  // An address must not be sent as SNI, RFC 6066 §3.
  if (session) useSession(session);
  connectSSL();
  if (run([this] { return completeHandshake(); }) == 0) fail(Fault::Kind::closed);
  try {
    verifyPeerCertificate(host);
  } catch (const Poco::Exception&) {
    _fault = Fault::Kind::tls;
    throw;
  }
}

void TlsSocket::beginExchange(core::RealTime deadline, std::size_t limit) noexcept {
  _deadline = deadline;
  _limit = limit;
  _received = 0;
}

int TlsSocket::receiveBytes(void* buffer, int length, int flags) {
  // What answers a request is not there yet when that has just been sent.
  if (std::exchange(_sent, false) && !core::pollUntil(sockfd(), POLLIN, _deadline))
    fail(Fault::Kind::timeout);
  const int count = run([&] { return SecureStreamSocketImpl::receiveBytes(buffer, length, flags); });
  if (count == 0) _ended = true;
  this->count(count);
  return count;
}

int TlsSocket::sendBytes(const void* buffer, int length, int flags) {
  _sent = true;
  return run([&] { return SecureStreamSocketImpl::sendBytes(buffer, length, flags); });
}

bool TlsSocket::isQuiet() noexcept {
  forgetErrors();
  try {
    char byte = 0;
    return SecureStreamSocketImpl::receiveBytes(&byte, 1) == SecureStreamSocket::ERR_SSL_WANT_READ;
  } catch (const std::exception&) {
    return false;
  }
}

template <class Operation>
int TlsSocket::run(Operation operation) {
  for (;;) {
    if (std::chrono::steady_clock::now() >= _deadline) fail(Fault::Kind::timeout);
    forgetErrors();
    int result = 0;
    try {
      result = operation();
    } catch (const Poco::Exception& exception) {
      _fault = kindOf(exception);
      // Our own deadlines are not the socket's: this is TCP_USER_TIMEOUT.
      _lost = dynamic_cast<const Poco::TimeoutException*>(&exception) != nullptr;
      throw;
    }
    if (result >= 0) return result;
    const short event = result == SecureStreamSocket::ERR_SSL_WANT_WRITE ? POLLOUT : POLLIN;
    if (!core::pollUntil(sockfd(), event, _deadline)) fail(Fault::Kind::timeout);
  }
}

void TlsSocket::fail(Fault::Kind kind) {
  _fault = kind;
  throw Poco::IOException("the connection failed");
}

void TlsSocket::count(int length) {
  _received += static_cast<std::size_t>(length);
  if (_received > _limit) fail(Fault::Kind::tooLarge);
}

}  // namespace p2::http
