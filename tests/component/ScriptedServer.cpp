#include "ScriptedServer.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <utility>

namespace p2::test {

namespace {

bool ready(int socket, short events, std::chrono::milliseconds bound) {
  pollfd entry{socket, events, 0};
  return ::poll(&entry, 1, static_cast<int>(bound.count())) > 0;
}

}  // namespace

Peer::Peer(int socket, SSL* tls) : _socket(socket), _tls(tls) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
}

std::string Peer::await(std::string_view text) {
  std::size_t at = std::string::npos;
  if (!exchange({}, [&](const std::string& received) {
        at = received.find(text);
        return at != std::string::npos;
      })) {
    return {};
  }
  std::string taken = _received.substr(0, at + text.size());
  _received.erase(0, taken.size());
  return taken;
}

std::string Peer::awaitEnd() {
  exchange({}, [](const std::string&) { return false; });
  return std::exchange(_received, {});
}

bool Peer::exchange(std::string_view text, const std::function<bool(const std::string&)>& enough) {
  while (!text.empty() || !enough(_received)) {
    const Step sent = text.empty() ? Step::blocked : sendSome(text);
    const Step read = text.empty() || _tls != nullptr || !enough(_received) ? readSome() : Step::blocked;
    if (sent == Step::ended || read == Step::ended) return text.empty() && enough(_received);
    if (sent == Step::moved || read == Step::moved) continue;
    const auto events = static_cast<short>(text.empty() ? POLLIN : POLLIN | POLLOUT);
    if (!ready(_socket, events, kPatience)) return false;
  }
  return true;
}

bool Peer::stirsWithin(std::chrono::milliseconds bound) {
  return ready(_socket, POLLIN, bound);
}

std::string Peer::openStream(const std::string& id) {
  await("'>");
  send(
      "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
      "xmlns:stream='http://etherx.jabber.org/streams' from='push.example.org' id='" +
      id + "'>");
  return await("</handshake>");
}

void Peer::open() {
  openStream();
  send("<handshake/>");
}

void Peer::fail(const std::string& condition) {
  send("<stream:error><" + condition +
       " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
}

void Peer::narrow() {
  const int size = 4096;
  ::setsockopt(_socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

void Peer::reset() {
  const linger abrupt{1, 0};
  ::setsockopt(_socket, SOL_SOCKET, SO_LINGER, &abrupt, sizeof(abrupt));
}

Peer::Step Peer::readSome() {
  std::array<char, 16384> chunk{};
  ssize_t got = 0;
  if (_tls != nullptr) {
    got = SSL_read(_tls, chunk.data(), static_cast<int>(chunk.size()));
    if (got <= 0 && SSL_get_error(_tls, static_cast<int>(got)) == SSL_ERROR_WANT_READ) return Step::blocked;
  } else {
    got = ::recv(_socket, chunk.data(), chunk.size(), 0);
    if (got < 0 && errno == EAGAIN) return Step::blocked;
  }
  if (got <= 0) return Step::ended;
  _received.append(chunk.data(), static_cast<std::size_t>(got));
  return Step::moved;
}

Peer::Step Peer::sendSome(std::string_view& text) {
  ssize_t sent = 0;
  if (_tls != nullptr) {
    sent = SSL_write(_tls, text.data(), static_cast<int>(text.size()));
    if (sent <= 0 && SSL_get_error(_tls, static_cast<int>(sent)) == SSL_ERROR_WANT_WRITE)
      return Step::blocked;
  } else {
    sent = ::send(_socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return Step::blocked;
  }
  if (sent <= 0) return Step::ended;
  text.remove_prefix(static_cast<std::size_t>(sent));
  return Step::moved;
}

ScriptedServer::ScriptedServer(Script script, std::optional<Identity> identity, const std::string& address)
    : _script(std::move(script)),
      _identity(std::move(identity)),
      _context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free) {
  SSL_CTX_set_mode(_context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (_identity) {
    SSL_CTX_use_certificate(_context.get(), _identity->certificate.get());
    SSL_CTX_use_PrivateKey(_context.get(), _identity->key.get());
  }
  _server = std::make_unique<LoopbackServer>(
      [this](int socket, int connection) { serve(socket, connection); }, address);
}

void ScriptedServer::serve(int socket, int connection) {
  if (!_identity) {
    Peer peer(socket, nullptr);
    _script(peer, connection);
    return;
  }
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(_context.get()), &SSL_free);
  SSL_set_fd(tls.get(), socket);
  if (SSL_accept(tls.get()) != 1) return;
  Peer peer(socket, tls.get());
  _script(peer, connection);
}

void Mailbox::put(std::string text) {
  {
    const std::scoped_lock lock(_mutex);
    _texts.push_back(std::move(text));
  }
  _changed.notify_all();
}

std::string Mailbox::take() {
  std::unique_lock lock(_mutex);
  if (!_changed.wait_for(lock, kPatience, [this] { return !_texts.empty(); })) return {};
  std::string text = std::move(_texts.front());
  _texts.pop_front();
  return text;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++times;
  return times;
}

std::string requestStanza(const std::string& id) {
  return "<iq type='get' id='" + id +
         "' from='im.example.org' to='push.example.org'><ping xmlns='urn:xmpp:ping'/></iq>";
}

}  // namespace p2::test
