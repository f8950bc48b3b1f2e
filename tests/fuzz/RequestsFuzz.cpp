// Input: stanzas, as they stand in a stream. Each is taken as a request, and the answers that repeat parts of
// it must be read back as they were meant.

#include "Fuzz.h"
#include "p2/proxy/Replies.h"
#include "p2/proxy/Requests.h"
#include "p2/xmpp/Responder.h"
#include "p2/xmpp/Serializer.h"
#include "p2/xmpp/StanzaReader.h"
#include "support/StreamFixture.h"

#include <string>
#include <variant>
#include <vector>

using p2::test::require;
using p2::xmpp::Element;
using p2::xmpp::Iq;
namespace proxy = p2::proxy;

namespace {

const std::string kJid = "push.example.org";

std::vector<Element> stanzasOf(const std::string& content) {
  p2::test::Recorder recorder;
  p2::test::ScriptedSource source(
      {"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>" +
       content},
      recorder);
  p2::xmpp::StanzaReader::Limits limits;
  limits.stanzaSize *= 16;  // an escaped answer may be longer than its request
  p2::xmpp::StanzaReader(limits).read(source, recorder);
  return std::move(recorder.stanzas);
}

class Sink final : public p2::xmpp::ReplySink {
 public:
  void send(std::string stanza) noexcept override { sent.push_back(std::move(stanza)); }
  std::vector<std::string> sent;
};

/// The answer with this payload, or the error, comes back as it went out.
template <class Answer>
void checkAnswer(const Iq& iq, const Element& content, Answer&& answer) {
  Sink sink;
  answer(p2::xmpp::Responder(sink, iq.id, iq.from, iq.to));
  require(sink.sent.size() == 1, "there is one answer");
  const auto stanzas = stanzasOf(sink.sent[0]);
  require(stanzas.size() == 1, "the answer is one stanza");
  require(stanzas[0].attribute("id") == iq.id, "the answer has the request's id");
  require(stanzas[0].attribute("from") == iq.to, "the answer is from whom was asked");
  require(stanzas[0].attribute("to") == iq.from, "the answer is to who asked");
  require(stanzas[0].children == std::vector<Element>{content}, "the answer is read as it was meant");
}

void checkResult(const Iq& iq, const Element& payload) {
  checkAnswer(iq, payload, [&](p2::xmpp::Responder responder) { responder.result(payload); });
}

p2::store::Registration registration(const proxy::Register& request) {
  return {"node", p2::core::Secret("secret"), request.key, request.domain, request.target, {}, {}};
}

struct Check {
  const Iq& iq;

  void operator()(const proxy::Register& request) const {
    require(!request.domain.empty() && request.key.device.size() == 40, "a registration is whole");
    require(request.target.value.reveal().size() <= 4096, "a token is bounded");
    checkResult(iq, proxy::registered(request.commandNode, request.sessionId, kJid, registration(request)));
  }
  void operator()(const proxy::Unregister& request) const {
    require(request.key.device.size() == 40, "a withdrawal names a device");
    checkResult(iq, proxy::commandCompleted(request.commandNode, request.sessionId));
  }
  void operator()(const proxy::CommandForm& request) const {
    checkResult(iq, proxy::commandForm(request.command, request.commandNode, "session"));
  }
  void operator()(const proxy::CommandCancel& request) const {
    checkResult(iq, proxy::commandCanceled(request.commandNode, request.sessionId));
  }
  void operator()(const proxy::Publish& request) const {
    require(!request.node.empty() && request.node.size() <= 64, "a node is bounded");
    require(!request.secret.empty() && request.secret.reveal().size() <= 64, "a secret is bounded");
  }
  void operator()(const proxy::DiscoInfo& request) const {
    if (const auto info = proxy::discoInfo(request.node)) checkResult(iq, *info);
  }
  void operator()(const proxy::DiscoItems& request) const {
    if (const auto items = proxy::discoItems(request.node, kJid)) checkResult(iq, *items);
  }
  void operator()(const proxy::Ping&) const {}
  void operator()(const proxy::Version&) const { checkResult(iq, proxy::version()); }
  void operator()(const proxy::EntityTime&) const { checkResult(iq, proxy::entityTime({})); }
  void operator()(const proxy::Refused& request) const {
    checkAnswer(iq, request.error.toElement(),
                [&](p2::xmpp::Responder responder) { responder.error(request.error); });
  }
  void operator()(const proxy::NotOurs&) const {}
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (auto& stanza : stanzasOf(std::string(p2::test::textOf(data, size)))) {
    const auto iq = p2::xmpp::toRequest(std::move(stanza));
    if (iq) std::visit(Check{*iq}, proxy::parseRequest(*iq, kJid));
  }
  return 0;
}
