#include "p2/proxy/Requests.h"
#include "p2/xmpp/Serializer.h"
#include "support/Catch.h"
#include "support/Shapes.h"
#include "support/Xml.h"

#include <string>
#include <utility>
#include <vector>

using namespace p2::proxy;
using p2::test::request;

namespace {

const std::string kJid = "push.example.org";

Request parse(const std::string& xml) {
  return parseRequest(request(xml), kJid);
}

std::string command(const std::string& attributes, const std::string& fields,
                    const std::string& type = "set") {
  return "<iq type='" + type +
         "' id='1' from='ann@example.com/phone' to='push.example.org'><command "
         "xmlns='http://jabber.org/protocol/commands' " +
         attributes + ">" + fields + "</command></iq>";
}

std::string form(const std::string& fields, const std::string& type = "submit") {
  return "<x xmlns='jabber:x:data' type='" + type + "'>" + fields + "</x>";
}

std::string field(const std::string& var, const std::string& value) {
  return "<field var='" + var + "'><value>" + value + "</value></field>";
}

std::string errorOf(const Request& parsed) {
  REQUIRE(std::holds_alternative<Refused>(parsed));
  auto error = std::get<Refused>(parsed).error;
  error.text.clear();
  return p2::xmpp::serialize(error.toElement());
}

const std::string kFilled = form(field("token", "t") + field("device-id", "d"));
const std::string kBadPayload =
    "<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
    "<bad-payload xmlns='http://jabber.org/protocol/commands'/></error>";
const std::string kBadRequest =
    "<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
const std::string kServiceUnavailable =
    "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
const std::string kNoSuchCommand =
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

}  // namespace

TEST_CASE("The device's hash is the one of the worked example") {
  CHECK(deviceHash("xiaomia1@jabber.de", "92afd7a91cdba9a0") == "ec164939a8485ee6b7f7871071a11c7bb18aead5");
}

TEST_CASE("Every form of registration that clients send is one registration") {
  for (const std::string action : {"action='execute'", "action='complete'", ""}) {
    for (const std::string name : {"device-id", "android-id"}) {
      for (const std::string node : {"register-push-fcm", "register-push-gcm"}) {
        CAPTURE(action, name, node);
        const auto parsed = parse(
            "<iq type='set' id='1' from='xiaomia1@jabber.de/Conversations.abc' to='push.example.org'>"
            "<command xmlns='http://jabber.org/protocol/commands' " +
            action + " node='" + node + "'>" +
            form(field("token", "tok:en") + field(name, "92afd7a91cdba9a0")) + "</command></iq>");
        REQUIRE(std::holds_alternative<Register>(parsed));
        const auto& registration = std::get<Register>(parsed);
        CHECK(registration.commandNode == node);
        CHECK(registration.sessionId.empty());
        CHECK(registration.key ==
              p2::store::DeviceKey{p2::store::Service::fcm, "ec164939a8485ee6b7f7871071a11c7bb18aead5", ""});
        CHECK(registration.domain == "jabber.de");
        CHECK(registration.target.value.reveal() == "tok:en");
      }
    }
  }
}

TEST_CASE("device-id wins over android-id") {
  const auto parsed =
      parse(command("node='register-push-fcm'",
                    form(field("android-id", "a") + field("token", "t") + field("device-id", "d"))));
  CHECK(std::get<Register>(parsed).key.device == deviceHash("ann@example.com", "d"));
}

TEST_CASE("The JID is hashed as sent, the domain is compared without case") {
  const auto parsed = parse(
      "<iq type='set' id='1' from='Ann@EXAMPLE.com/x' to='PUSH.example.org'><command "
      "xmlns='http://jabber.org/protocol/commands' node='register-push-fcm'>" +
      kFilled + "</command></iq>");
  CHECK(std::get<Register>(parsed).key.device == deviceHash("Ann@EXAMPLE.com", "d"));
  CHECK(std::get<Register>(parsed).domain == "example.com");
}

TEST_CASE("A registration may be for one channel") {
  const auto parsed =
      parse(command("node='register-push-fcm'", form(field("token", "t") + field("device-id", "d") +
                                                     field("muc", "room@rooms.example.com"))));
  CHECK(std::get<Register>(parsed).key.channel == deviceHash("room@rooms.example.com", "d"));
  CHECK(errorOf(parse(command("node='register-push-fcm'", form(field("token", "t") + field("device-id", "d") +
                                                               field("muc", "room@r/nick"))))) ==
        kBadPayload);
}

TEST_CASE("A registration that lacks or overdoes something is refused") {
  const std::string node = "node='register-push-fcm'";
  CHECK(errorOf(parse(command(node, form(field("token", "t"))))) == kBadPayload);
  CHECK(errorOf(parse(command(node, form(field("device-id", "d"))))) == kBadPayload);
  CHECK(errorOf(parse(command(node, form(field("device-id", "") + field("token", "t"))))) == kBadPayload);
  CHECK(errorOf(parse(command(node, form(field("device-id", "d") + field("token", ""))))) == kBadPayload);
  CHECK(errorOf(parse(command(
            node, form(field("device-id", "d") + field("token", std::string(1025, 't')))))) == kBadPayload);
  CHECK(errorOf(parse(command(
            node, form(field("device-id", std::string(257, 'd')) + field("token", "t"))))) == kBadPayload);
  std::string many;
  for (int i = 0; i < 100; ++i) many += field("f" + std::to_string(i), "x");
  CHECK(errorOf(parse(command(node, form(many + field("device-id", "d") + field("token", "t"))))) ==
        kBadPayload);
  CHECK(std::holds_alternative<Register>(
      parse(command(node, form(field("device-id", "d") + field("token", std::string(1024, 't')))))));
  CHECK(errorOf(parse(command(node, kFilled, "get"))) == kBadRequest);
  CHECK(errorOf(parse(command("node='register-push-apns'", kFilled))) == kNoSuchCommand);
  CHECK(errorOf(parse(command("", kFilled))) == kNoSuchCommand);
}

TEST_CASE("The steps of an ad-hoc command are told from each other") {
  const std::string node = "node='register-push-fcm' ";
  CHECK(std::holds_alternative<CommandForm>(parse(command(node, ""))));
  CHECK(std::holds_alternative<CommandForm>(parse(command(node + "action='execute'", ""))));
  CHECK(std::get<Register>(parse(command(node + "sessionid='s' action='complete'", kFilled))).sessionId ==
        "s");
  CHECK(std::get<CommandCancel>(parse(command(node + "sessionid='s' action='cancel'", ""))).sessionId == "s");
  CHECK(std::holds_alternative<CommandCancel>(parse(command(node + "sessionid='s'", form("", "cancel")))));
  CHECK(errorOf(parse(command(node + "action='complete'", ""))) == kBadPayload);
  CHECK(errorOf(parse(command(node + "sessionid='s'", ""))) == kBadPayload);
  for (const std::string action : {"prev", "next"}) {
    CHECK(errorOf(parse(command(node + "sessionid='s' action='" + action + "'", kFilled))) ==
          "<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          "<bad-action xmlns='http://jabber.org/protocol/commands'/></error>");
  }
  CHECK(errorOf(parse(command(node + "action='destroy'", kFilled))) ==
        "<error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<malformed-action xmlns='http://jabber.org/protocol/commands'/></error>");
}

TEST_CASE("A phone withdraws an account or a channel") {
  const std::string node = "node='unregister-push-fcm' action='execute'";
  const auto account = parse(command(node, form(field("device-id", "d"))));
  CHECK(std::get<Unregister>(account).key ==
        p2::store::DeviceKey{p2::store::Service::fcm, deviceHash("ann@example.com", "d"), ""});
  const auto muc = parse(command(node, form(field("android-id", "d") + field("muc", "room@rooms"))));
  CHECK(std::get<Unregister>(muc).key.channel == deviceHash("room@rooms", "d"));
  const std::string hash = deviceHash("room@rooms", "d");
  const auto channel =
      parse(command("node='unregister-push-gcm'", form(field("device-id", "d") + field("channel", hash))));
  CHECK(std::get<Unregister>(channel).key.channel == hash);
  CHECK(errorOf(parse(command(node, form(field("device-id", "d") + field("channel", "zz"))))) == kBadPayload);
  CHECK(errorOf(parse(command(node, form("")))) == kBadPayload);
}

TEST_CASE("Each server's publish is understood") {
  for (const auto& shape : p2::test::publishShapes()) {
    CAPTURE(shape.server);
    const auto parsed = parse(shape.xml);
    REQUIRE(std::holds_alternative<Publish>(parsed));
    const auto& publish = std::get<Publish>(parsed);
    CHECK(publish.node == "eKxTS5n3bOe0");
    CHECK(publish.secret.reveal() == "KK4+H5WMfpRG/2zCbuKq6wpX");
    CHECK(publish.domain == "jabber.de");
    CHECK(publish.isImportant == shape.isImportant);
  }
}

TEST_CASE("A publish without a node or a secret, or something else, is malformed") {
  const auto pubsub = [](const std::string& content, const std::string& type = "set") {
    return "<iq type='" + type +
           "' id='1' from='jabber.de' to='push.example.org'><pubsub "
           "xmlns='http://jabber.org/protocol/pubsub'>" +
           content + "</pubsub></iq>";
  };
  const std::string options = "<publish-options>" + form(field("secret", "s")) + "</publish-options>";
  const std::string publish =
      "<publish node='n'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>";
  CHECK(std::holds_alternative<Publish>(parse(pubsub(publish + options))));
  CHECK(errorOf(parse(pubsub(publish))) == kBadRequest);
  CHECK(errorOf(parse(pubsub(publish + "<publish-options/>"))) == kBadRequest);
  CHECK(errorOf(parse(pubsub(publish + "<publish-options>" + form(field("secret", "")) +
                             "</publish-options>"))) == kBadRequest);
  CHECK(errorOf(parse(pubsub("<publish/>" + options))) == kBadRequest);
  CHECK(errorOf(parse(pubsub("<publishh node='n'/>" + options))) == kBadRequest);
  CHECK(errorOf(parse(pubsub(options))) == kBadRequest);
  CHECK(errorOf(parse(pubsub(publish + options, "get"))) == kBadRequest);
}

TEST_CASE("What pubsub has beside publishing is not implemented, and beside a publish it is not looked at") {
  const auto pubsub = [](const std::string& content, const std::string& type) {
    return "<iq type='" + type +
           "' id='1' from='a@jabber.de/x' to='push.example.org'><pubsub "
           "xmlns='http://jabber.org/protocol/pubsub'>" +
           content + "</pubsub></iq>";
  };
  const std::vector<std::pair<std::string, std::string>> requests{{"affiliations", "retrieve-affiliations"},
                                                                  {"configure", "config-node"},
                                                                  {"create", "create-nodes"},
                                                                  {"default", "retrieve-default"},
                                                                  {"items", "retrieve-items"},
                                                                  {"options", "subscription-options"},
                                                                  {"retract", "delete-items"},
                                                                  {"subscribe", "subscribe"},
                                                                  {"subscriptions", "retrieve-subscriptions"},
                                                                  {"unsubscribe", "subscribe"}};
  for (const auto& [name, feature] : requests) {
    for (const std::string type : {"get", "set"}) {
      CAPTURE(name, type);
      CHECK(errorOf(parse(pubsub('<' + name + " node='n'/>", type))) ==
            "<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<unsupported xmlns='http://jabber.org/protocol/pubsub#errors' feature='" +
                feature + "'/></error>");
      CHECK(errorOf(parse(pubsub('<' + name + " node='n'/><publish/>", type))) == kBadRequest);
    }
  }
}

TEST_CASE("A push is important if a person may be waiting for it") {
  const auto important = [](const std::string& inside, const std::string& beside = "") {
    return std::get<Publish>(parse("<iq type='set' id='1' from='jabber.de' to='push.example.org'><pubsub "
                                   "xmlns='http://jabber.org/protocol/pubsub'><publish node='n'><item>" +
                                   beside + "<notification xmlns='urn:xmpp:push:0'>" + inside +
                                   "</notification></item></publish><publish-options>" +
                                   form(field("secret", "s")) + "</publish-options></pubsub></iq>"))
        .isImportant;
  };
  const std::string body = form(field("last-message-body", "Wherefore"));
  const std::string noBody = form("<field var='last-message-body'><value/></field>");
  const auto priority = [](const std::string& value) {
    return "<priority xmlns='tigase:push:priority:0'>" + value + "</priority>";
  };
  CHECK(important(body));
  CHECK(important("", body));
  CHECK(important(noBody, body));
  CHECK(important(noBody + priority("high")));
  CHECK(important("", priority("high")));
  CHECK(important("<encrypted iv='i' type='voip' xmlns='tigase:push:encrypt:0'>c</encrypted>"));
  CHECK_FALSE(important(""));
  CHECK_FALSE(important(noBody, noBody));
  CHECK_FALSE(important(priority("low")));
  CHECK_FALSE(important("<priority>high</priority>"));
  CHECK_FALSE(important("<encrypted xmlns='urn:other'/>"));
}

TEST_CASE("Questions about the component are told from each other") {
  const auto get = [](const std::string& payload, const std::string& to = "push.example.org") {
    return parse("<iq type='get' id='1' from='a@b' to='" + to + "'>" + payload + "</iq>");
  };
  CHECK(std::get<DiscoInfo>(get("<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>")).node ==
        "n");
  CHECK(std::get<DiscoItems>(get("<query xmlns='http://jabber.org/protocol/disco#items'/>")).node.empty());
  CHECK(std::holds_alternative<Ping>(get("<ping xmlns='urn:xmpp:ping'/>")));
  CHECK(std::holds_alternative<Version>(get("<query xmlns='jabber:iq:version'/>")));
  CHECK(std::holds_alternative<EntityTime>(get("<time xmlns='urn:xmpp:time'/>")));
  CHECK(errorOf(get("<vCard xmlns='vcard-temp'/>")) == kServiceUnavailable);
  CHECK(errorOf(get("")) == kBadRequest);
  CHECK(errorOf(get("<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>")) == kBadRequest);
  CHECK(errorOf(get("<ping xmlns='urn:xmpp:ping'/>", "somebody@push.example.org")) == kServiceUnavailable);
  CHECK(errorOf(get("<ping xmlns='urn:xmpp:ping'/>", "push.example.org/resource")) == kServiceUnavailable);
  CHECK(errorOf(parse(
            "<iq type='set' id='1' from='a@b' to='push.example.org'><ping xmlns='urn:xmpp:ping'/></iq>")) ==
        kServiceUnavailable);
}

TEST_CASE("An id that is too long to be kept is refused") {
  const auto ping = [](std::size_t size) {
    return parse("<iq type='get' id='" + std::string(size, 'i') +
                 "' from='a@b' to='push.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
  };
  CHECK(std::holds_alternative<Ping>(ping(1024)));
  CHECK(errorOf(ping(1025)) ==
        "<error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
}

TEST_CASE("A stanza for another host is not ours to answer, one from nobody is malformed") {
  CHECK(std::holds_alternative<NotOurs>(
      parse("<iq type='get' id='1' from='a@b' to='other.example.org'><ping xmlns='urn:xmpp:ping'/></iq>")));
  CHECK(errorOf(parse(
            "<iq type='get' id='1' from='@b' to='push.example.org'><ping xmlns='urn:xmpp:ping'/></iq>")) ==
        "<error type='modify'><jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
}
