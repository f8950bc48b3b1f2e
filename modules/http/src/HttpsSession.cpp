#include "p2/http/HttpsSession.h"

#include "ChunkedBody.h"
#include "ProxyTunnel.h"
#include "ResponseHead.h"
#include "TlsSocket.h"
#include "p2/core/Version.h"
#include "p2/http/Dial.h"
#include "p2/http/Route.h"
#include "p2/http/TlsContextAccess.h"

#include <Poco/AutoPtr.h>
#include <Poco/Exception.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace p2::http {

using Poco::Net::SocketAddress;
using Poco::Net::StreamSocket;
using TimePoint = core::Clock::TimePoint;

namespace {

// A header and its access token.
constexpr std::size_t kUsualRequest = 1024;
// For the status line, the header and the marks between chunks.
constexpr std::size_t kMostOverhead = 64 * 1024;
constexpr std::size_t kMostHead = 16 * 1024;
constexpr int kSwitchingProtocols = 101;
constexpr int kNoContent = 204;
constexpr int kNotModified = 304;

/// Poco's session on a TlsSocket that is connected already. Poco's own reconnecting, which would send a
/// request twice without anybody knowing, is switched off: a new connection is a new object.
class Connection final : public Poco::Net::HTTPSClientSession {
 public:
  Connection(const Url& url, const Poco::Net::Context::Ptr& context, Poco::AutoPtr<TlsSocket> socket)
      : HTTPSClientSession(url.host, url.port, context), _socket(std::move(socket)) {
    attachSocket(StreamSocket(_socket.duplicate()));
    setKeepAlive(true);
    setKeepAliveTimeout(Poco::Timespan(365 * Poco::Timespan::DAYS));  // The limits are HttpsSession's.
  }

  TlsSocket& tlsSocket() { return *_socket; }
  /// Whether the answer that was read is the last thing that came, and nothing has come since. Whatever has
  /// is no answer to what is sent next: taken for one, each target would get the verdict of the one before.
  bool isQuiet() { return !hasSurplus() && _socket->isQuiet(); }
  /// The same of what was read already.
  bool hasSurplus() const { return _surplus || buffered() > 0; }

  /// Sends a request that is written out already: Poco's streams take a tenth of all the time that a push
  /// takes.
  void sendWhole(std::string_view request) {
    clearException();
    while (!request.empty()) {
      // NOLINTNEXTLINE(bugprone-parent-virtual-call): the overridden one connects again
      const int sent = HTTPSession::write(request.data(), static_cast<std::streamsize>(request.size()));
      request.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  /// Reads a status line and its header; nothing if what came is none, or ended before it was whole. Poco's
  /// own takes twice as long as TLS does for it.
  std::optional<ResponseHead> readHead() {
    std::string text;
    while (!text.ends_with("\n\r\n") && !text.ends_with("\n\n")) {
      const int c = get();
      if (c == std::char_traits<char>::eof() || text.size() == kMostHead) return std::nullopt;
      text += static_cast<char>(c);
      // Something else may never come to an empty line.
      if (text.size() <= ResponseHead::kVersion.size() && !ResponseHead::kVersion.starts_with(text)) {
        return std::nullopt;
      }
    }
    return ResponseHead::parse(std::string_view(text).substr(0, text.rfind('\n', text.size() - 2) + 1));
  }

  /// Appends to `body` until there are `most` bytes or the connection has ended.
  void readBody(std::size_t most, std::string& body) {
    while (body.size() < most) {
      const std::size_t before = body.size();
      body.resize(std::min(most, before + kPiece));
      const auto room = static_cast<std::streamsize>(body.size() - before);
      // NOLINTNEXTLINE(bugprone-parent-virtual-call): the overridden one hides that the stream was cut
      const int count = HTTPSession::read(body.data() + before, room);
      body.resize(before + static_cast<std::size_t>(std::max(count, 0)));
      if (count <= 0) return;
    }
  }

  /// Appends to `body` what its chunks hold, up to their end, the connection's, or a fault.
  ChunkedBody::State readChunks(std::size_t most, std::string& body) {
    ChunkedBody chunks(most);
    std::array<char, kPiece> piece{};
    while (chunks.state() == ChunkedBody::State::more) {
      // NOLINTNEXTLINE(bugprone-parent-virtual-call): as above
      const int count = HTTPSession::read(piece.data(), piece.size());
      if (count <= 0) break;
      const auto size = static_cast<std::size_t>(count);
      _surplus = chunks.feed({piece.data(), size}, body) < size;
    }
    return chunks.state();
  }

 protected:
  void connect(const SocketAddress&) override { throw Poco::IOException("the connection has ended"); }

 private:
  static constexpr std::size_t kPiece = 4096;

  Poco::AutoPtr<TlsSocket> _socket;
  bool _surplus = false;  // more came with the last chunk than that
};

Fault faultOfName(const std::string& host) {
  return {Fault::Kind::resolve,
          "The name " + host + " could not be resolved; check its spelling and this machine's DNS."};
}

}  // namespace

class HttpsSession::Impl {
 public:
  Impl(Options options, std::shared_ptr<const TlsContext> tls)
      : _options(std::move(options)), _tls(std::move(tls)) {
    if (_options.proxy && !_options.proxy->appliesTo(_options.url.host)) _options.proxy.reset();
    if (!_options.route) _options.route = std::make_shared<Route>();
  }

  /// `request` is what is sent, header and body.
  Result post(const std::string& request, TimePoint deadline);
  std::string head(const std::string& path, const Headers& headers, std::size_t bodySize) const;
  void closeIfStale();
  void close() { _connection.reset(); }

 private:
  std::optional<Fault> open(core::RealTime deadline);
  std::optional<Fault> begin(StreamSocket& socket, core::RealTime deadline);
  std::optional<Fault> startTls(StreamSocket& socket, core::RealTime deadline);
  Result exchange(const std::string& request, core::RealTime deadline);
  Result receive();
  std::optional<Fault> receiveBody(ResponseHead& head, std::string& body);
  Fault faultOf(const Poco::Exception& exception);
  Fault faultOf(Fault::Kind kind) const;
  std::optional<Fault> faultOf(ChunkedBody::State end) const;
  Fault faultOfDial(const std::string& reason) const;
  Fault::Kind notWhole() const;
  void keepOrClose(bool keepAlive);

  Options _options;
  std::shared_ptr<const TlsContext> _tls;
  std::unique_ptr<Connection> _connection;
  bool _tlsSessionTaken = false;  // of this connection
  TimePoint _opened{};
  TimePoint _lastUsed{};
};

HttpsSession::Result HttpsSession::Impl::post(const std::string& request, TimePoint deadline) {
  const auto& clock = *_options.clock;
  const core::RealTime until = clock.realDeadline(std::min(deadline, clock.now() + _options.timeout));
  closeIfStale();
  if (_connection && !_connection->isQuiet()) close();
  const bool reused = _connection != nullptr;
  for (bool again = reused;; again = false) {
    if (!_connection) {
      if (auto fault = open(until)) return std::move(*fault);
    }
    auto result = exchange(request, until);
    const auto* fault = std::get_if<Fault>(&result);
    if (fault == nullptr) return result;
    const bool unanswered = _connection && _connection->tlsSocket().received() == 0;
    close();
    if (!again || !unanswered || fault->kind != Fault::Kind::closed) return result;
  }
}

/// Throws if it would hold a line that is not meant.
std::string HttpsSession::Impl::head(const std::string& path, const Headers& headers,
                                     std::size_t bodySize) const {
  std::string text;
  text.reserve(kUsualRequest + bodySize);
  text.append("POST ").append(path).append(" HTTP/1.1\r\nHost: ").append(_options.url.authority());
  // Answers are read as they are. Some gateways refuse who does not say what he is.
  text.append("\r\nUser-Agent: p2/").append(core::kVersion).append("\r\nAccept-Encoding: identity");
  text.append("\r\nConnection: Keep-Alive\r\nContent-Length: ").append(std::to_string(bodySize));
  for (const auto& [name, value] : headers) {
    const bool isLine = value.find('\r') == std::string::npos && value.find('\n') == std::string::npos;
    if (!isLine) throw Poco::DataFormatException(name);
    text.append("\r\n").append(name).append(": ").append(value);
  }
  return text.append("\r\n\r\n");
}

void HttpsSession::Impl::closeIfStale() {
  const TimePoint now = _options.clock->now();
  if (now - _lastUsed >= _options.idleLimit || now - _opened >= _options.ageLimit) close();
}

std::optional<Fault> HttpsSession::Impl::open(core::RealTime deadline) {
  // No certificate is judged by such a clock.
  if (auto unset = core::faultOf(*_options.clock); !unset.empty())
    return Fault{Fault::Kind::tls, unset + "."};
  const std::string& host = _options.proxy ? _options.proxy->host : _options.url.host;
  const auto addresses =
      _options.route->addresses(host, _options.proxy ? _options.proxy->port : _options.url.port);
  if (addresses.empty()) return faultOfName(host);
  Dial dial(addresses, {.connectTimeout = _options.connectTimeout, .userTimeout = _options.userTimeout});
  std::optional<Fault> refusal;  // tells more than that another address does not answer
  while (auto reached = dial.next(deadline)) {
    // An address that takes connections and says nothing leaves time for the others.
    const auto until = dial.hasMore()
                           ? std::min(deadline, std::chrono::steady_clock::now() + _options.connectTimeout)
                           : deadline;
    auto fault = begin(reached->socket, until);
    if (!fault) _options.route->succeeded(reached->address);
    if (!fault) return std::nullopt;
    _options.route->failed(reached->address);
    if (!refusal) refusal = std::move(fault);
  }
  for (const Address& address : dial.failed()) _options.route->failed(address);
  return refusal ? refusal : faultOfDial(dial.fault());
}

/// Begins to speak with what has taken the connection.
std::optional<Fault> HttpsSession::Impl::begin(StreamSocket& socket, core::RealTime deadline) {
  if (_options.proxy) {
    const std::string target =
        Url{_options.url.host, 443, {}}.authority() + ':' + std::to_string(_options.url.port);
    if (auto fault = openTunnel(socket.impl()->sockfd(), *_options.proxy, target, deadline)) return fault;
  }
  return startTls(socket, deadline);
}

Fault HttpsSession::Impl::faultOfDial(const std::string& reason) const {
  if (_options.proxy) {
    return Fault{Fault::Kind::connect, "Cannot connect to the proxy " + _options.proxy->host + ':' +
                                           std::to_string(_options.proxy->port) + ": " + reason +
                                           "; see whether it runs, and check its host and port."};
  }
  return Fault{Fault::Kind::connect, "Cannot connect to " + _options.url.host + ": " + reason +
                                         "; see whether a firewall is in the way, or a proxy needed."};
}

std::optional<Fault> HttpsSession::Impl::startTls(StreamSocket& socket, core::RealTime deadline) {
  const auto context = pocoContext(*_tls);
  Poco::AutoPtr<TlsSocket> tlsSocket = new TlsSocket(socket, context);
  takeCertificateError();
  try {
    tlsSocket->handshake(_options.url.host, _options.route->session(), deadline);
  } catch (const Poco::Exception& exception) {
    _options.route->keepSession(nullptr);
    const auto kind = tlsSocket->fault().value_or(Fault::Kind::tls);
    if (kind == Fault::Kind::timeout) return faultOf(kind);
    std::string reason = exception.message();
    if (kind == Fault::Kind::closed) reason = "the connection was closed during the handshake";
    if (dynamic_cast<const Poco::Net::CertificateValidationException*>(&exception) != nullptr) {
      reason = "its certificate is for another host name";
    }
    return Fault{Fault::Kind::tls, describeTlsFault(*_tls, _options.url.host, reason)};
  }
  _connection = std::make_unique<Connection>(_options.url, context, tlsSocket);
  _tlsSessionTaken = false;
  _opened = _lastUsed = _options.clock->now();
  return std::nullopt;
}

HttpsSession::Result HttpsSession::Impl::exchange(const std::string& request, core::RealTime deadline) {
  _connection->tlsSocket().beginExchange(deadline, _options.maxBody + kMostOverhead);
  try {
    _connection->sendWhole(request);
    return receive();
  } catch (const Poco::Exception& exception) {
    return faultOf(exception);
  }
}

HttpsSession::Result HttpsSession::Impl::receive() {
  std::optional<ResponseHead> head;
  do {
    head = _connection->readHead();
    if (!head) return faultOf(notWhole());
  } while (head->status < 200 && head->status != kSwitchingProtocols);
  if (head->status < 200) return faultOf(Fault::Kind::malformed);
  Response answer{head->status, {}, std::move(head->retryAfter), std::move(head->date), {}};
  auto fault = receiveBody(*head, answer.body);
  keepOrClose(head->keepAlive && !fault);
  const bool isDone = answer.status < 300;
  if (fault && !isDone) return std::move(*fault);
  // What was asked for has been done, whatever became of the words about it.
  answer.cut = std::move(fault);
  return answer;
}

std::optional<Fault> HttpsSession::Impl::receiveBody(ResponseHead& head, std::string& body) {
  if (head.status == kNoContent || head.status == kNotModified) {
    // Such an answer has no body. Of one that announces it, some may come all the same.
    if (head.chunked || head.length.value_or(0) > 0) head.keepAlive = false;
    return std::nullopt;
  }
  if (head.length && *head.length > _options.maxBody) return faultOf(Fault::Kind::tooLarge);
  try {
    if (head.chunked) return faultOf(_connection->readChunks(_options.maxBody, body));
    _connection->readBody(static_cast<std::size_t>(head.length.value_or(_options.maxBody + 1)), body);
  } catch (const Poco::Exception& exception) {
    return faultOf(exception);
  }
  if (body.size() > _options.maxBody) return faultOf(Fault::Kind::tooLarge);
  if (head.length && body.size() < *head.length) return faultOf(Fault::Kind::closed);
  return std::nullopt;
}

/// Of a body in chunks, when it has ended.
std::optional<Fault> HttpsSession::Impl::faultOf(ChunkedBody::State end) const {
  switch (end) {
    case ChunkedBody::State::done:
      break;
    case ChunkedBody::State::more:
      return faultOf(notWhole());
    case ChunkedBody::State::malformed:
      return faultOf(Fault::Kind::malformed);
    case ChunkedBody::State::tooLarge:
      return faultOf(Fault::Kind::tooLarge);
  }
  return std::nullopt;
}

void HttpsSession::Impl::keepOrClose(bool keepAlive) {
  // With TLS 1.3 the tickets to resume with come after the handshake, with the first answer.
  if (!_tlsSessionTaken) _options.route->keepSession(_connection->tlsSocket().currentSession());
  _tlsSessionTaken = true;
  _lastUsed = _options.clock->now();
  if (!keepAlive || _connection->hasSurplus() || _connection->tlsSocket().ended()) close();
}

/// REQUIRES: the exchange has failed.
Fault HttpsSession::Impl::faultOf(const Poco::Exception& exception) {
  const TlsSocket& socket = _connection->tlsSocket();
  if (socket.fault() == Fault::Kind::tls) {
    return {Fault::Kind::tls, describeTlsFault(*_tls, _options.url.host, exception.message())};
  }
  if (socket.fault()) return faultOf(*socket.fault());
  return faultOf(notWhole());
}

/// Why an answer cannot be read on.
Fault::Kind HttpsSession::Impl::notWhole() const {
  return _connection->tlsSocket().ended() ? Fault::Kind::closed : Fault::Kind::malformed;
}

Fault HttpsSession::Impl::faultOf(Fault::Kind kind) const {
  const std::string& host = _options.url.host;
  switch (kind) {
    case Fault::Kind::timeout:
      return {kind, host + " did not answer in time."};
    case Fault::Kind::malformed:
      return {kind, host + " sent an answer that is not HTTP."};
    case Fault::Kind::tooLarge:
      return {kind, host + " sent an answer longer than " + std::to_string(_options.maxBody) + " bytes."};
    case Fault::Kind::tls:
      return {kind, "TLS with " + host + " failed."};
    case Fault::Kind::closed:
    case Fault::Kind::resolve:
    case Fault::Kind::connect:
      break;
  }
  if (_connection && _connection->tlsSocket().isLost()) {
    return {kind, "The connection to " + host + " was lost: what is sent on it arrives nowhere."};
  }
  return {kind, host + " closed the connection before its answer was complete."};
}

HttpsSession::HttpsSession(const Options& options, std::shared_ptr<const TlsContext> tls)
    : _impl(std::make_unique<Impl>(options, std::move(tls))) {}

HttpsSession::~HttpsSession() = default;

HttpsSession::Result HttpsSession::post(const std::string& path, const Headers& headers,
                                        const std::string& body, TimePoint deadline) noexcept {
  try {
    return _impl->post(_impl->head(path, headers, body.size()) + body, deadline);
  } catch (const std::exception&) {
    reset();
    return Fault{Fault::Kind::malformed, "The request could not be made."};
  }
}

void HttpsSession::reset() noexcept {
  _impl->close();
}

}  // namespace p2::http
