#include "Connection.h"

#include "p2/http/TlsContextAccess.h"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HostEntry.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

namespace p2::component {

namespace {

using Milliseconds = std::chrono::milliseconds;

// A peer that does not acknowledge what we send, pings included, is gone after so long.
constexpr int kTcpUserTimeoutMs = 60000;

Poco::Timespan timespan(Milliseconds duration) {
  return Poco::Timespan(duration.count() * Poco::Timespan::MILLISECONDS);
}

std::vector<Poco::Net::SocketAddress> resolve(const std::string& host, std::uint16_t port) {
  std::vector<Poco::Net::SocketAddress> addresses;
  Poco::Net::IPAddress literal;
  if (Poco::Net::IPAddress::tryParse(host, literal)) {
    addresses.emplace_back(literal, port);
    return addresses;
  }
  const auto entry = Poco::Net::DNS::hostByName(host);
  for (const auto& address : entry.addresses())
    addresses.emplace_back(address, port);
  return addresses;
}

/// What a non-blocking call transferred, or -1 if it would have had to wait.
int checked(ssize_t count) {
  if (count >= 0) return static_cast<int>(count);
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return -1;
  throw Poco::IOException(std::generic_category().message(errno));
}

void prepare(Poco::Net::StreamSocket& socket, Milliseconds writeTimeout) {
  socket.setNoDelay(true);
  socket.setKeepAlive(true);
  socket.setOption(IPPROTO_TCP, TCP_USER_TIMEOUT, kTcpUserTimeoutMs);
  socket.setSendTimeout(timespan(writeTimeout));
}

Poco::Net::StreamSocket connectTo(const Poco::Net::SocketAddress& address,
                                  const Connection::Options& options) {
  Poco::Net::StreamSocket plain;
  plain.connect(address, timespan(options.connectTimeout));
  prepare(plain, options.writeTimeout);
  if (!options.tls) return plain;

  plain.setReceiveTimeout(timespan(options.connectTimeout));
  auto secure = Poco::Net::SecureStreamSocket::attach(plain, options.host, http::pocoContext(*options.tls));
  secure.setBlocking(false);
  return secure;
}

}  // namespace

core::Result<std::shared_ptr<Connection>> Connection::open(const Options& options) {
  const std::string peer = options.host + ':' + std::to_string(options.port);
  std::string fault = "the name has no address";
  std::vector<Poco::Net::SocketAddress> addresses;
  try {
    addresses = resolve(options.host, options.port);
  } catch (const Poco::Exception&) {
    return core::Error{"cannot find the XMPP server: the host name \"" + options.host +
                       "\" of xmpp.host has no address; check its spelling and the DNS"};
  }
  for (const auto& address : addresses) {
    http::takeCertificateError();
    try {
      return std::make_shared<Connection>(connectTo(address, options), options.tls != nullptr);
    } catch (const Poco::Net::SSLException& exception) {
      fault = http::describeTlsFault(*options.tls, peer, "TLS failed: " + exception.displayText());
    } catch (const Poco::Exception& exception) {
      fault = exception.displayText();
    }
  }
  return core::Error{"cannot reach the XMPP server at " + peer + " (" + fault +
                     "); is it running, and does it listen for components there (xmpp.host, xmpp.port)?"};
}

Connection::Connection(Poco::Net::StreamSocket socket, bool secure)
    : _socket(std::move(socket)), _secure(secure) {}

void Connection::watch(Milliseconds wait, OnSilence onSilence) {
  _wait = wait;
  _onSilence = std::move(onSilence);
}

std::size_t Connection::read(char* buffer, std::size_t size) noexcept {
  try {
    while (!_down) {
      if (const int count = receive(buffer, size); count >= 0) return static_cast<std::size_t>(count);
      if (!awaitInput()) return 0;
    }
  } catch (const Poco::Exception& exception) {
    if (!_down) _why = exception.message();
  } catch (const std::exception& exception) {
    if (!_down) _why = exception.what();
  }
  return 0;
}

/// Waits for input. False if the peer stays silent and is given up.
bool Connection::awaitInput() {
  while (!_down) {
    if (_socket.poll(timespan(_wait), Poco::Net::Socket::SELECT_READ | Poco::Net::Socket::SELECT_ERROR))
      return true;
    if (_down) return false;
    _wait = _onSilence();
    if (_wait <= Milliseconds::zero()) return false;
  }
  return false;
}

/// The number of bytes, 0 at the end, negative if there are none yet.
int Connection::receive(char* buffer, std::size_t size) {
  if (!_secure) return checked(::recv(_socket.impl()->sockfd(), buffer, size, MSG_DONTWAIT));
  const std::scoped_lock lock(_tls);
  return _socket.receiveBytes(buffer, static_cast<int>(size));
}

bool Connection::write(std::string_view bytes) noexcept {
  const std::scoped_lock lock(_writing);
  try {
    while (!bytes.empty() && !_down) {
      const int sent = sendSome(bytes);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (!_socket.poll(_socket.getSendTimeout(), Poco::Net::Socket::SELECT_WRITE)) {
        break;
      }
    }
  } catch (const std::exception&) {
    // The reader finds out why, once the connection is shut down.
  }
  if (!bytes.empty()) shutdown();
  return bytes.empty();
}

int Connection::sendSome(std::string_view bytes) {
  if (!_secure) {
    return checked(::send(_socket.impl()->sockfd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  const std::scoped_lock lock(_tls);
  return _socket.sendBytes(bytes.data(), static_cast<int>(bytes.size()));
}

void Connection::shutdown() noexcept {
  if (_down.exchange(true)) return;
  // On the descriptor itself: a TLS socket would first write, and wait for its peer.
  ::shutdown(_socket.impl()->sockfd(), SHUT_RDWR);
}

}  // namespace p2::component
