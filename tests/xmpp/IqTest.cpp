#include "p2/xmpp/Iq.h"
#include "support/Catch.h"

#include <utility>

using p2::xmpp::Element;
using p2::xmpp::Iq;
using p2::xmpp::toRequest;

namespace {

Element iq(std::vector<p2::xmpp::Attribute> attributes) {
  return {"iq", "jabber:component:accept", std::move(attributes)};
}

}  // namespace

TEST_CASE("A get and a set with id, from and to are requests") {
  const auto request = toRequest(
      iq({{"type", "set"}, {"id", "1"}, {"from", "a@b/c"}, {"to", "p"}}).with(Element("q", "urn:q")));
  REQUIRE(request);
  CHECK(request->type == Iq::Type::set);
  CHECK(request->id == "1");
  CHECK(request->from == "a@b/c");
  CHECK(request->to == "p");
  CHECK(request->payload.is("q", "urn:q"));
  CHECK(toRequest(iq({{"type", "get"}, {"id", "1"}, {"from", "a"}, {"to", "p"}}))->type == Iq::Type::get);
}

TEST_CASE("A request without one payload is a request still, with none") {
  const Element empty = iq({{"type", "get"}, {"id", "1"}, {"from", "a"}, {"to", "p"}});
  CHECK(toRequest(empty)->payload.name.empty());
  Element two = empty;
  two.children = {Element("a", "urn:a"), Element("b", "urn:b")};
  CHECK(toRequest(two)->payload.name.empty());
}

TEST_CASE("What must not or cannot be answered is no request") {
  CHECK_FALSE(toRequest(iq({{"type", "result"}, {"id", "1"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"type", "error"}, {"id", "1"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"type", "GET"}, {"id", "1"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"id", "1"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"type", "get"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"type", "get"}, {"id", "1"}, {"to", "p"}})));
  CHECK_FALSE(toRequest(iq({{"type", "get"}, {"id", "1"}, {"from", "a"}})));
  CHECK_FALSE(toRequest(Element("message", "jabber:component:accept",
                                {{"type", "get"}, {"id", "1"}, {"from", "a"}, {"to", "p"}})));
  CHECK_FALSE(
      toRequest(Element("iq", "jabber:client", {{"type", "get"}, {"id", "1"}, {"from", "a"}, {"to", "p"}})));
}
