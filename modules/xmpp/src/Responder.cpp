#include "p2/xmpp/Responder.h"

#include "p2/xmpp/Serializer.h"

#include <utility>

namespace p2::xmpp {

Responder::Responder(ReplySink& sink, std::string id, std::string requester, std::string responder)
    : _sink(&sink), _id(std::move(id)), _requester(std::move(requester)), _responder(std::move(responder)) {}

Responder::Responder(Responder&& other) noexcept
    : _sink(std::exchange(other._sink, nullptr)),
      _id(std::move(other._id)),
      _requester(std::move(other._requester)),
      _responder(std::move(other._responder)) {}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    if (_sink != nullptr) error(StanzaError::tryLater());
    _sink = std::exchange(other._sink, nullptr);
    _id = std::move(other._id);
    _requester = std::move(other._requester);
    _responder = std::move(other._responder);
  }
  return *this;
}

Responder::~Responder() {
  if (_sink != nullptr) error(StanzaError::tryLater());
}

void Responder::result(const Element& payload) {
  answer("result", serialize(payload));
}

void Responder::error(const StanzaError& error) {
  answer("error", serialize(error.toElement()));
}

void Responder::answer(const char* type, const std::string& content) noexcept {
  auto* sink = std::exchange(_sink, nullptr);
  if (sink == nullptr) return;
  std::string stanza;
  stanza.reserve(64 + _id.size() + _requester.size() + _responder.size() + content.size());
  stanza += "<iq type='";
  stanza += type;
  stanza += "' id='";
  appendEscaped(stanza, _id);
  stanza += "' from='";
  appendEscaped(stanza, _responder);
  stanza += "' to='";
  appendEscaped(stanza, _requester);
  if (content.empty()) {
    stanza += "'/>";
  } else {
    stanza += "'>";
    stanza += content;
    stanza += "</iq>";
  }
  sink->send(std::move(stanza));
}

}  // namespace p2::xmpp
