#include "p2/xmpp/Responder.h"
#include "support/Catch.h"
#include "support/ReplyList.h"

#include <string>
#include <utility>

using p2::test::ReplyList;
using p2::xmpp::Element;
using p2::xmpp::Responder;
using p2::xmpp::StanzaError;

namespace {

const std::string kTryLater =
    "<iq type='error' id='1' from='p' to='a'><error type='wait'>"
    "<internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";

}  // namespace

TEST_CASE("An answer goes back to the requester with the same id, escaped") {
  ReplyList replies;
  Responder(replies, "a'b", "x@y/<z>", "p").result();
  REQUIRE(replies.all().size() == 1);
  CHECK(replies.all()[0] == "<iq type='result' id='a&apos;b' from='p' to='x@y/&lt;z&gt;'/>");
}

TEST_CASE("A result may carry a payload, an error carries its condition and text") {
  ReplyList replies;
  Responder(replies, "1", "a", "p").result(Element("q", "urn:q"));
  Responder(replies, "2", "a", "p").error(StanzaError::itemNotFound());
  Responder(replies, "3", "a", "p").error(StanzaError::badRequest("no node"));
  REQUIRE(replies.all().size() == 3);
  CHECK(replies.all()[0] == "<iq type='result' id='1' from='p' to='a'><q xmlns='urn:q'/></iq>");
  CHECK(replies.all()[1] ==
        "<iq type='error' id='2' from='p' to='a'><error type='cancel'>"
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
  CHECK(replies.all()[2] ==
        "<iq type='error' id='3' from='p' to='a'><error type='modify'>"
        "<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no node</text></error></iq>");
}

TEST_CASE("A request is answered once, whatever is tried") {
  ReplyList replies;
  {
    Responder responder(replies, "1", "a", "p");
    responder.result();
    responder.result();
    responder.error(StanzaError::tryLater());
  }
  CHECK(replies.all().size() == 1);
}

TEST_CASE("A request that is dropped is answered wait/internal-server-error") {
  ReplyList replies;
  { const Responder responder(replies, "1", "a", "p"); }
  REQUIRE(replies.all().size() == 1);
  CHECK(replies.all()[0] == kTryLater);
}

TEST_CASE("Moving a responder moves the duty to answer") {
  ReplyList replies;
  Responder first(replies, "1", "a", "p");
  {
    Responder second(std::move(first));
    CHECK(replies.all().empty());
    second.result();
  }
  CHECK(replies.all().size() == 1);

  Responder third(replies, "1", "a", "p");
  third = Responder(replies, "2", "b", "p");
  REQUIRE(replies.all().size() == 2);
  CHECK(replies.all()[1] == kTryLater);
}
