#include "Session.h"

#include "Outbox.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/Namespaces.h"
#include "p2/xmpp/Serializer.h"
#include "p2/xmpp/StanzaError.h"

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
#include <utility>

namespace p2::component {

namespace {

using Milliseconds = std::chrono::milliseconds;
namespace ns = xmpp::ns;

// A last word to a server that ended the stream, or has to: as long as it takes it at once.
constexpr Milliseconds kLastWordBound{1000};

// So the ids of all p2's pings begin.
constexpr const char* kPingIds = "p2-ping-";

std::string attributeText(const std::string& value) {
  std::string text;
  xmpp::appendEscaped(text, value);
  return text;
}

/// Lowercase hex SHA-1 of the stream's id and the secret (XEP-0114 §3).
std::string handshake(std::string_view streamId, const core::Secret& secret) {
  Poco::SHA1Engine sha1;
  sha1.update(std::string(streamId));
  sha1.update(secret.reveal());
  return "<handshake>" + Poco::DigestEngine::digestToHex(sha1.digest()) + "</handshake>";
}

std::string seconds(Milliseconds duration) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()) + " s";
}

std::string streamError(const std::string& condition) {
  return "<stream:error><" + condition + " xmlns='" + std::string(ns::kStreamErrors) +
         "'/></stream:error></stream:stream>";
}

}  // namespace

Session::Session(const Context& context, std::shared_ptr<Connection> connection)
    : _context(context), _connection(std::move(connection)), _started(std::chrono::steady_clock::now()) {}

Session::~Session() {
  _context.outbox.detach();
  _connection->shutdown();
}

Ending Session::run() {
  _connection->watch([this] { return patience(); });
  _connection->write("<?xml version='1.0'?><stream:stream xmlns='" + std::string(ns::kComponent) +
                     "' xmlns:stream='" + std::string(ns::kStreams) + "' to='" +
                     attributeText(_context.options.jid) + "'>");
  const auto end = xmpp::StanzaReader(_context.options.limits).read(*_connection, *this);
  _context.outbox.detach();
  if (end.kind == xmpp::StanzaReader::End::Kind::fault && _fault.empty()) {
    _connection->finish(streamError(end.condition), kLastWordBound);
  } else if (end.kind == xmpp::StanzaReader::End::Kind::closed) {
    _connection->finish("</stream:stream>", kLastWordBound);
  }
  _connection->shutdown();
  return {reasonOf(end), _retreat};
}

void Session::onStreamOpen(const xmpp::Element& header) {
  const auto id = header.attribute("id");
  if (id.empty()) {
    giveUp(
        "the XMPP server opened a stream without an id, so it does not speak XEP-0114: is xmpp.port its "
        "component port?");
    return;
  }
  _connection->write(handshake(id, _context.options.sharedSecret));
}

void Session::onStanza(xmpp::Element stanza) {
  if (stanza.is("error", ns::kStreams)) {
    onStreamError(stanza);
  } else if (!_ready) {
    if (stanza.is("handshake", ns::kComponent)) onHandshake();
  } else {
    _context.received.add();
    if (stanza.is("message", ns::kComponent)) return handOver(stanza);
    auto request = xmpp::toRequest(std::move(stanza));
    if (request) handOut(std::move(*request));
  }
}

/// Whether the request came to the component's name. A server may deliver others (ejabberd's
/// `global_routes`), and an answer from another name would end the stream (`invalid-from`).
bool Session::isOurs(const xmpp::Iq& request) const {
  return xmpp::isAt(request.to, _context.options.jid);
}

/// Whether it is a ping that another process sends under the component's name. It comes here as the server
/// shares out what is for the name among the streams that it has.
bool Session::isOfAnother(const xmpp::Iq& request) const {
  return request.payload.is("ping", ns::kPing) && xmpp::isAt(request.from, _context.options.jid) &&
         request.id.starts_with(kPingIds) &&
         !request.id.starts_with(kPingIds + _context.options.pingId + '-');
}

void Session::handOver(const xmpp::Element& message) {
  if (!_context.options.onMessage || !xmpp::isAt(message.attribute("to"), _context.options.jid)) return;
  _context.reading.with([&](bool reading) {
    if (reading) _context.options.onMessage(message);
  });
}

/// What is not handed out is answered wait, as a Responder does on its own.
void Session::handOut(xmpp::Iq request) {
  if (!isOurs(request)) return;
  if (_context.options.onOther && isOfAnother(request)) _context.options.onOther();
  xmpp::Responder responder(_context.outbox, request.id, request.from, request.to);
  if (!admit()) return;
  _context.reading.with([&](bool reading) {
    if (reading) _context.onRequest(std::move(request), std::move(responder));
  });
}

void Session::onRefused(xmpp::Element head, std::string_view why) {
  _context.refused.add();
  const auto request = xmpp::toRequest(std::move(head));
  if (!request || !_ready || !isOurs(*request)) return;
  admit();
  // It may be an honest server's publish with the text of a stranger's message in it, and on any other error
  // some servers drop the user.
  xmpp::Responder(_context.outbox, request->id, request->from, request->to)
      .error({xmpp::StanzaError::Type::wait,
              xmpp::StanzaError::Condition::internalServerError,
              "This service does not read such a stanza: " + std::string(why) + '.',
              {},
              {}});
}

void Session::onHandshake() {
  _ready = true;
  _lastPing = std::chrono::steady_clock::now();
  _context.outbox.attach(_connection);
  _context.onReady();
}

void Session::onStreamError(const xmpp::Element& error) {
  auto ending = judgeStreamError(error, _context.options, _ready);
  if (_fault.empty()) _retreat = ending.retreat;
  giveUp(std::move(ending.reason));
}

Milliseconds Session::patienceWithHandshake(std::chrono::steady_clock::time_point now) {
  const auto timeout = _context.options.handshakeTimeout;
  if (const auto left = _started + timeout - now; left > left.zero()) {
    return std::chrono::ceil<Milliseconds>(left);
  }
  giveUp("the XMPP server took the connection but did not finish the component handshake within " +
         seconds(timeout) + ": is xmpp.port its component port, and must xmpp.tls be set?");
  return Milliseconds::zero();
}

/// How long to wait for input. The server is pinged, so that one that hangs is told from one that has nothing
/// to say; also while it is not silent, so that others who are connected under the name learn of us.
Milliseconds Session::patience() {
  const auto& options = _context.options;
  const auto now = std::chrono::steady_clock::now();
  if (!_ready) return patienceWithHandshake(now);
  const auto dead = _connection->lastInput() + options.deadAfter;
  if (now >= dead) {
    giveUp("the XMPP server has not sent anything for " + seconds(options.deadAfter) +
           ", not even answers to pings");
    return Milliseconds::zero();
  }
  if (now >= _lastPing + options.pingInterval) ping(now);
  return std::chrono::ceil<Milliseconds>(std::min(_lastPing + options.pingInterval, dead) - now);
}

/// Pings ourselves through the server. With several connections for one name the ping may end at another of
/// them, which answers it; so only a long silence counts. Through the outbox, as this thread must not wait
/// for a server that reads slowly.
void Session::ping(std::chrono::steady_clock::time_point now) {
  _lastPing = now;
  const std::string jid = attributeText(_context.options.jid);
  _context.outbox.send(std::string("<iq type='get' id='") + kPingIds + _context.options.pingId + '-' +
                       std::to_string(++_pings) + "' from='" + jid + "' to='" + jid + "'><ping xmlns='" +
                       std::string(ns::kPing) + "'/></iq>");
}

/// Whether there is room for one more answer. Gives a server up that sends requests and takes no answers.
bool Session::admit() {
  if (_context.outbox.waitForRoom(_fault.empty() ? _context.options.writeTimeout : Milliseconds::zero())) {
    return true;
  }
  if (_connection->why().empty()) giveUp("the XMPP server sends requests but takes no answers");
  return false;
}

void Session::giveUp(std::string why) {
  if (_fault.empty()) _fault = std::move(why);
  _connection->shutdown();
}

std::string Session::reasonOf(const xmpp::StanzaReader::End& end) {
  if (!_fault.empty()) return _fault;
  switch (end.kind) {
    case xmpp::StanzaReader::End::Kind::fault:
      if (_ready)
        return "the XMPP server sent what is not allowed in a stream (" + end.condition + ": " + end.text +
               ')';
      return "what answers at xmpp.host and xmpp.port does not speak XMPP (" + end.text +
             "): is it the server's component port, and must xmpp.tls = direct be set?";
    case xmpp::StanzaReader::End::Kind::closed:
      return {};
    case xmpp::StanzaReader::End::Kind::endOfInput:
      break;
  }
  constexpr const char* kHint = "is xmpp.port its component port, and must xmpp.tls = direct be set?";
  if (const std::string why = _connection->why(); !why.empty()) {
    return "the connection to the XMPP server broke: " + why + (_ready ? "" : std::string("; ") + kHint);
  }
  if (_ready) return "the XMPP server closed the connection";
  return std::string("the XMPP server closed the connection before the handshake: ") + kHint;
}

}  // namespace p2::component
