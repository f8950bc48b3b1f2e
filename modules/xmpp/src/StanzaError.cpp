#include "p2/xmpp/StanzaError.h"

#include "p2/xmpp/Namespaces.h"

#include <utility>

namespace p2::xmpp {

std::string_view toString(StanzaError::Type type) noexcept {
  switch (type) {
    case StanzaError::Type::auth:
      return "auth";
    case StanzaError::Type::cancel:
      return "cancel";
    case StanzaError::Type::modify:
      return "modify";
    case StanzaError::Type::wait:
      return "wait";
  }
  return {};
}

std::string_view toString(StanzaError::Condition condition) noexcept {
  using Condition = StanzaError::Condition;
  switch (condition) {
    case Condition::badRequest:
      return "bad-request";
    case Condition::featureNotImplemented:
      return "feature-not-implemented";
    case Condition::forbidden:
      return "forbidden";
    case Condition::internalServerError:
      return "internal-server-error";
    case Condition::itemNotFound:
      return "item-not-found";
    case Condition::jidMalformed:
      return "jid-malformed";
    case Condition::notAcceptable:
      return "not-acceptable";
    case Condition::notAllowed:
      return "not-allowed";
    case Condition::policyViolation:
      return "policy-violation";
    case Condition::resourceConstraint:
      return "resource-constraint";
    case Condition::serviceUnavailable:
      return "service-unavailable";
  }
  return {};
}

Element StanzaError::toElement() const {
  Element error("error", std::string(ns::kComponent), {{"type", std::string(toString(type))}});
  error.children.emplace_back(std::string(toString(condition)), std::string(ns::kStanzaErrors));
  if (!text.empty()) {
    error.children.push_back(
        Element("text", std::string(ns::kStanzaErrors), {{"xml:lang", "en"}}).withText(text));
  }
  if (!application.empty()) {
    error.children.emplace_back(application, applicationNs);
    if (!feature.empty()) error.children.back().attributes.push_back({"feature", feature});
  }
  return error;
}

StanzaError StanzaError::itemNotFound() {
  return {Type::cancel, Condition::itemNotFound, {}, {}, {}};
}

StanzaError StanzaError::tryLater() {
  return {Type::wait, Condition::internalServerError, {}, {}, {}};
}

StanzaError StanzaError::badRequest(std::string why) {
  return {Type::modify, Condition::badRequest, std::move(why), {}, {}};
}

}  // namespace p2::xmpp
