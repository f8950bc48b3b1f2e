#pragma once

#include "p2/xmpp/Element.h"

#include <string>
#include <string_view>

namespace p2::xmpp {

/// A stanza error (RFC 6120 §8.3). A value.
struct StanzaError {
  enum class Type { auth, cancel, modify, wait };
  enum class Condition {
    badRequest,
    featureNotImplemented,
    forbidden,
    internalServerError,
    itemNotFound,
    jidMalformed,
    notAcceptable,
    notAllowed,
    policyViolation,
    resourceConstraint,
    serviceUnavailable,
  };

  Type type = Type::cancel;
  Condition condition = Condition::serviceUnavailable;
  /// For a person at the other end; may be empty. Never shows what the peer must not learn.
  std::string text;
  /// An application-specific condition (RFC 6120 §8.3.4) in `applicationNs`, or empty.
  std::string application;
  std::string applicationNs;
  /// The attribute `feature` of that condition (XEP-0060 has one in `unsupported`), or empty.
  std::string feature = {};

  Element toElement() const;

  /// cancel/item-not-found, always the same: an unknown node, a wrong secret and a wrong domain look alike.
  static StanzaError itemNotFound();
  /// wait/internal-server-error: the one answer on which every server keeps its user's registration.
  static StanzaError tryLater();
  static StanzaError badRequest(std::string why);
};

std::string_view toString(StanzaError::Type type) noexcept;
std::string_view toString(StanzaError::Condition condition) noexcept;

}  // namespace p2::xmpp
