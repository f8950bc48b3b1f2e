#include "Connection.h"

#include "p2/core/Poll.h"
#include "p2/http/TlsContextAccess.h"

#include <Poco/Exception.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace p2::component {

namespace {

using Milliseconds = std::chrono::milliseconds;
using TimePoint = core::Clock::TimePoint;
using Poco::Net::SecureStreamSocket;

// A peer that does not acknowledge what we send, pings included, is gone after so long.
constexpr Milliseconds kUserTimeout{60000};
// What a non-blocking call gives that would have had to wait. Poco's TLS sockets use the same numbers.
constexpr int kWantRead = SecureStreamSocket::ERR_SSL_WANT_READ;
constexpr int kWantWrite = SecureStreamSocket::ERR_SSL_WANT_WRITE;

TimePoint now() {
  return std::chrono::steady_clock::now();
}

int checked(ssize_t count, int otherwise) {
  if (count >= 0) return static_cast<int>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return otherwise;
  throw std::system_error(errno, std::generic_category());
}

/// Poco asks both about the operation that follows, and an older entry would be taken for its result.
void forgetErrors() {
  ERR_clear_error();
  errno = 0;
}

std::string textOf(const std::exception& exception) {
  const auto* poco = dynamic_cast<const Poco::Exception*>(&exception);
  return poco != nullptr ? poco->displayText() : exception.what();
}

/// Whether the peer closed the connection without the farewell of TLS. XMPP has a farewell of its own.
bool isEndOfTls(const std::exception& exception) {
  return dynamic_cast<const Poco::Net::SSLConnectionUnexpectedlyClosedException*>(&exception) != nullptr ||
         textOf(exception).find("unexpected eof") != std::string::npos;
}

std::string describeTls(const http::TlsContext& context, const std::string& peer,
                        const Poco::Exception& exception) {
  if (dynamic_cast<const Poco::Net::CertificateValidationException*>(&exception) != nullptr) {
    return "the certificate of the XMPP server at " + peer +
           " is for another name: xmpp.host must be a name that it holds";
  }
  const std::string fault =
      isEndOfTls(exception) ? "the server closed the connection" : exception.displayText();
  std::string sentence =
      http::describeTlsFault(context, "the XMPP server at " + peer,
                             fault + "; does it speak TLS on that port? If not, leave xmpp.tls out");
  if (sentence.back() == '.') sentence.pop_back();
  return sentence;
}

core::Error nameFault(const std::string& host) {
  return {"cannot find the XMPP server: the host name \"" + host +
          "\" of xmpp.host has no address; check its spelling and the DNS"};
}

core::Error reachFault(const std::string& peer, const std::string& why) {
  return {"cannot reach the XMPP server at " + peer + " (" + why +
          "); is it running, and does it listen for components there (xmpp.host, xmpp.port)?"};
}

}  // namespace

Connection::Connection(Options options) : _options(std::move(options)) {}

core::Result<void> Connection::connect(http::Route& route) {
  const std::string peer = _options.host + ':' + std::to_string(_options.port);
  const auto addresses = route.addresses(_options.host, _options.port);
  if (addresses.empty()) return nameFault(_options.host);
  http::Dial dial(
      addresses,
      {.connectTimeout = _options.connectTimeout, .userTimeout = kUserTimeout, .cancel = _wake.descriptor()});
  std::string fault;
  std::string tlsFault;  // tells more than that another address of the host does not answer
  while (const auto reached = dial.next(TimePoint::max())) {
    http::takeCertificateError();
    try {
      establish(*reached);
      return {};
    } catch (const Poco::Net::SSLException& exception) {
      if (_options.tls && tlsFault.empty()) tlsFault = describeTls(*_options.tls, peer, exception);
    } catch (const std::exception& exception) {
      if (fault.empty()) fault = textOf(exception);
    }
    route.failed(reached->address);
    if (_down) break;
  }
  for (const auto& address : dial.failed()) route.failed(address);
  if (!tlsFault.empty()) return core::Error{std::move(tlsFault)};
  return reachFault(peer, fault.empty() ? dial.fault() : fault);
}

/// Throws if it cannot.
void Connection::establish(const http::Dial::Reached& reached) {
  Poco::Net::StreamSocket socket = reached.socket;
  adopt(socket);
  socket.setKeepAlive(true);
  if (_options.tls) startTls(now() + _options.connectTimeout);
  _address = reached.address;
  open();
}

/// From now on, shutdown() ends this socket.
void Connection::adopt(const Poco::Net::StreamSocket& socket) {
  const std::scoped_lock lock(_mutex);
  if (_down) throw Poco::IOException("the connection was given up");
  _socket = socket;
  _descriptor = socket.impl()->sockfd();
}

void Connection::open() {
  const std::scoped_lock lock(_mutex);
  _open = true;
  _lastInput = now();
}

/// REQUIRES: the socket does not block: Poco would wait inside its calls, and skip the check of the host name
/// when the handshake takes long.
void Connection::startTls(TimePoint deadline) {
  const auto context = http::pocoContext(*_options.tls);
  const std::string host = http::asciiHost(_options.host);
  // An address must not be sent as the server's name, RFC 6066 §3.
  auto secure = http::isAddress(host) ? SecureStreamSocket::attach(_socket, context)
                                      : SecureStreamSocket::attach(_socket, host, context);
  for (;;) {
    forgetErrors();
    const int result = secure.completeHandshake();
    if (result > 0) break;
    if (result == 0) throw Poco::Net::SSLConnectionUnexpectedlyClosedException();
    if (!core::pollUntil(_descriptor, result == kWantWrite ? POLLOUT : POLLIN, deadline)) {
      throw Poco::Net::SSLException("the server did not answer the TLS handshake in time");
    }
  }
  secure.verifyPeerCertificate(host);
  _socket = secure;
}

std::size_t Connection::read(char* buffer, std::size_t size) noexcept {
  try {
    while (!_down) {
      const int count = receive(buffer, size);
      if (count > 0) _lastInput = now();
      if (count >= 0) return static_cast<std::size_t>(count);
      if (!awaitInput(count == kWantWrite ? POLLOUT : POLLIN)) return 0;
    }
  } catch (const std::exception& exception) {
    if (!isEndOfTls(exception)) breakOff(textOf(exception));
  }
  return 0;
}

/// False if the peer is given up.
bool Connection::awaitInput(short events) {
  while (!_down) {
    const auto patience = _patience();
    if (patience <= Milliseconds::zero()) return false;
    if (core::pollUntil(_descriptor, events, now() + patience)) return true;
  }
  return false;
}

/// The number of bytes, 0 at the end, or kWantRead or kWantWrite.
int Connection::receive(char* buffer, std::size_t size) {
  if (!_options.tls) return checked(::recv(_descriptor, buffer, size, MSG_DONTWAIT), kWantRead);
  const std::scoped_lock lock(_tls);
  forgetErrors();
  return _socket.receiveBytes(buffer, static_cast<int>(size));
}

bool Connection::write(std::string_view bytes) noexcept {
  if (!beginWriting(TimePoint::max())) return false;
  const bool done = transfer(bytes, TimePoint::max());
  endWriting();
  return done;
}

bool Connection::finish(std::string_view lastWords, Milliseconds bound) noexcept {
  const auto deadline = now() + bound;
  if (!beginWriting(deadline)) return false;
  const bool done = transfer(lastWords, deadline);
  try {
    if (done && _options.tls) {
      const std::scoped_lock lock(_tls);
      forgetErrors();
      _socket.shutdown();  // TLS's farewell; as the socket does not block, it is left open
    }
  } catch (const std::exception&) {
    // The peer has closed already.
  }
  if (done) ::shutdown(_descriptor, SHUT_WR);
  {
    const std::scoped_lock lock(_mutex);
    _finished = true;
  }
  endWriting();
  return done;
}

bool Connection::beginWriting(TimePoint deadline) noexcept {
  std::unique_lock lock(_mutex);
  const auto mayGo = [this] { return !_writing || _down; };
  if (deadline == TimePoint::max()) {
    _turn.wait(lock, mayGo);
  } else if (!_turn.wait_until(lock, deadline, mayGo)) {
    return false;
  }
  if (_down || !_open || _finished) return false;
  _writing = true;
  return true;
}

void Connection::endWriting() noexcept {
  {
    const std::scoped_lock lock(_mutex);
    _writing = false;
  }
  _turn.notify_all();
}

/// REQUIRES: beginWriting() gave the turn. When it fails, a part may have been written.
bool Connection::transfer(std::string_view bytes, TimePoint deadline) noexcept {
  try {
    while (!bytes.empty()) {
      if (_down) return false;
      const int sent = sendSome(bytes);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (!core::pollUntil(_descriptor, POLLOUT, std::min(deadline, now() + _options.writeTimeout))) {
        breakOff("it takes nothing that is sent to it");
        shutdown();
        return false;
      }
    }
    return true;
  } catch (const std::exception& exception) {
    // Not shutdown(): the server may have said why it closed, and that is still to be read.
    breakOff(textOf(exception));
  }
  return false;
}

int Connection::sendSome(std::string_view bytes) {
  if (!_options.tls) {
    return checked(::send(_descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL), kWantWrite);
  }
  const std::scoped_lock lock(_tls);
  forgetErrors();
  return _socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
}

/// No more input is waited for; what came already can be read.
void Connection::breakOff(const std::string& why) noexcept {
  const std::scoped_lock lock(_mutex);
  if (_down) return;
  if (_why.empty()) _why = why;
  // On the descriptor itself: a TLS socket would first write, and wait for its peer.
  ::shutdown(_descriptor, SHUT_RDWR);
}

void Connection::shutdown() noexcept {
  {
    const std::scoped_lock lock(_mutex);
    _down = true;
    _wake.set();
    if (_descriptor >= 0) ::shutdown(_descriptor, SHUT_RDWR);
  }
  _turn.notify_all();
}

std::string Connection::why() const {
  const std::scoped_lock lock(_mutex);
  return _why;
}

}  // namespace p2::component
