#include "p2/xmpp/Serializer.h"
#include "p2/xmpp/StanzaError.h"
#include "support/Catch.h"

using p2::xmpp::serialize;
using p2::xmpp::StanzaError;

TEST_CASE("An application condition stands beside the defined one") {
  const StanzaError error{StanzaError::Type::modify,
                          StanzaError::Condition::badRequest,
                          {},
                          "bad-sessionid",
                          "http://jabber.org/protocol/commands"};
  CHECK(serialize(error.toElement()) ==
        "<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<bad-sessionid xmlns='http://jabber.org/protocol/commands'/></error>");
}

TEST_CASE("Every condition has the name that RFC 6120 gives it") {
  using Condition = StanzaError::Condition;
  CHECK(toString(Condition::badRequest) == "bad-request");
  CHECK(toString(Condition::featureNotImplemented) == "feature-not-implemented");
  CHECK(toString(Condition::forbidden) == "forbidden");
  CHECK(toString(Condition::internalServerError) == "internal-server-error");
  CHECK(toString(Condition::itemNotFound) == "item-not-found");
  CHECK(toString(Condition::jidMalformed) == "jid-malformed");
  CHECK(toString(Condition::notAcceptable) == "not-acceptable");
  CHECK(toString(Condition::notAllowed) == "not-allowed");
  CHECK(toString(Condition::policyViolation) == "policy-violation");
  CHECK(toString(Condition::resourceConstraint) == "resource-constraint");
  CHECK(toString(Condition::serviceUnavailable) == "service-unavailable");
}
