#include "Session.h"

#include "Outbox.h"
#include "p2/xmpp/Namespaces.h"
#include "p2/xmpp/Serializer.h"
#include "p2/xmpp/StanzaError.h"

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <utility>

namespace p2::component {

namespace {

using Milliseconds = std::chrono::milliseconds;
namespace ns = xmpp::ns;

// A server that takes no answers for so long while it sends requests is as good as gone.
constexpr Milliseconds kRoomTimeout{10000};

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

std::string streamError(const std::string& condition) {
  return "<stream:error><" + condition + " xmlns='" + std::string(ns::kStreamErrors) +
         "'/></stream:error></stream:stream>";
}

}  // namespace

Session::Session(const Context& context, std::shared_ptr<Connection> connection)
    : _context(context),
      _connection(std::move(connection)),
      _started(std::chrono::steady_clock::now()),
      _lastInput(_started) {}

std::string Session::run() {
  _connection->watch(_context.options.handshakeTimeout, [this] { return onSilence(); });
  _connection->write("<?xml version='1.0'?><stream:stream xmlns='" + std::string(ns::kComponent) +
                     "' xmlns:stream='" + std::string(ns::kStreams) + "' to='" +
                     attributeText(_context.options.jid) + "'>");
  const auto end = xmpp::StanzaReader(_context.options.limits).read(*_connection, *this);
  _context.outbox.detach();
  if (end.kind == xmpp::StanzaReader::End::Kind::fault && _fault.empty()) {
    _connection->write(streamError(end.condition));
  } else if (end.kind == xmpp::StanzaReader::End::Kind::closed) {
    _connection->write("</stream:stream>");
  }
  _connection->shutdown();
  return reasonOf(end);
}

void Session::onStreamOpen(const xmpp::Element& header) {
  const auto id = header.attribute("id");
  if (id.empty()) {
    giveUp(
        "the XMPP server opened a stream without an id, so it does not speak XEP-0114: is xmpp.port its "
        "component "
        "port?");
    return;
  }
  _connection->write(handshake(id, _context.options.sharedSecret));
}

void Session::onStanza(xmpp::Element stanza) {
  _lastInput = std::chrono::steady_clock::now();
  if (stanza.is("error", ns::kStreams)) {
    onStreamError(stanza);
  } else if (!_ready) {
    if (stanza.is("handshake", ns::kComponent)) onHandshake();
  } else {
    _context.received.add();
    auto request = xmpp::toRequest(std::move(stanza));
    if (request && admit()) handOut(std::move(*request));
  }
}

void Session::handOut(xmpp::Iq request) {
  _context.reading.with([&](bool reading) {
    if (!reading) return;
    xmpp::Responder responder(_context.outbox, request.id, request.from, request.to);
    _context.onRequest(std::move(request), std::move(responder));
  });
}

void Session::onRefused(xmpp::Element head, std::string_view why) {
  _context.refused.add();
  const auto request = xmpp::toRequest(std::move(head));
  if (!request || !_ready) return;
  xmpp::Responder(_context.outbox, request->id, request->from, request->to)
      .error({xmpp::StanzaError::Type::modify,
              xmpp::StanzaError::Condition::policyViolation,
              "This stanza is " + std::string(why) + " for this service.",
              {},
              {}});
}

void Session::onHandshake() {
  _ready = true;
  _connection->setWait(_context.options.idleInterval);
  _context.outbox.attach(_connection);
  _context.onReady();
}

void Session::onStreamError(const xmpp::Element& error) {
  giveUp(explainStreamError(error, _context.options));
}

/// Called when the server has been silent for a while: pings ourselves through it, so that a server that
/// hangs is told from one that has nothing to say. With several connections for one name the ping may end at
/// another of them, which answers it; so only a long silence counts.
Milliseconds Session::onSilence() {
  const auto silent = std::chrono::steady_clock::now() - _lastInput;
  if (!_ready) {
    giveUp(
        "the XMPP server took the connection but did not answer the component handshake within " +
        std::to_string(std::chrono::ceil<std::chrono::seconds>(_context.options.handshakeTimeout).count()) +
        " s: is xmpp.port its component port, and must xmpp.tls be set?");
    return Milliseconds::zero();
  }
  if (silent >= _context.options.deadAfter) {
    giveUp("the XMPP server has not sent anything for " +
           std::to_string(std::chrono::floor<std::chrono::seconds>(silent).count()) +
           " s, not even answers to pings");
    return Milliseconds::zero();
  }
  const std::string jid = attributeText(_context.options.jid);
  _connection->write("<iq type='get' id='p2-ping-" + std::to_string(++_pings) + "' from='" + jid + "' to='" +
                     jid + "'><ping xmlns='" + std::string(ns::kPing) + "'/></iq>");
  return _context.options.idleInterval;
}

/// Whether there is room for one more answer.
bool Session::admit() {
  if (_context.outbox.waitForRoom(kRoomTimeout)) return true;
  giveUp("the XMPP server sends requests but takes no answers");
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
             "): is it the server's component port, and must xmpp.tls be set?";
    case xmpp::StanzaReader::End::Kind::closed:
      return {};
    case xmpp::StanzaReader::End::Kind::endOfInput:
      break;
  }
  if (!_connection->why().empty()) return "the connection to the XMPP server broke: " + _connection->why();
  if (_ready) return "the XMPP server closed the connection";
  return "the XMPP server closed the connection before the handshake: is xmpp.port its component port, and "
         "must xmpp.tls "
         "be set?";
}

}  // namespace p2::component
