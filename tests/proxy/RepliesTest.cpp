#include "p2/core/Version.h"
#include "p2/proxy/Replies.h"
#include "p2/xmpp/Serializer.h"
#include "support/Catch.h"

#include <string>

using namespace p2::proxy;
using p2::xmpp::serialize;

TEST_CASE("A registration is answered with one completed command and one form") {
  p2::store::Registration registration;
  registration.node = "eKxTS5n3bOe0";
  registration.secret = p2::core::Secret("KK4+H5WMfpRG/2zCbuKq6wpX");
  CHECK(serialize(registered("register-push-fcm", "s", "push.example.org", registration)) ==
        "<command xmlns='http://jabber.org/protocol/commands' node='register-push-fcm' sessionid='s' "
        "status='completed'>"
        "<x xmlns='jabber:x:data' type='result'>"
        "<title>The phone is registered</title>"
        "<field type='jid-single' label='Push service' var='jid'><value>push.example.org</value></field>"
        "<field type='text-single' label='Node' var='node'><value>eKxTS5n3bOe0</value></field>"
        "<field type='text-single' label='Secret' "
        "var='secret'><value>KK4+H5WMfpRG/2zCbuKq6wpX</value></field></x></command>");
}

TEST_CASE("Commands that end without a form say so in their status") {
  CHECK(serialize(commandCompleted("unregister-push-fcm", "s")) ==
        "<command xmlns='http://jabber.org/protocol/commands' node='unregister-push-fcm' sessionid='s' "
        "status='completed'><note type='info'>The phone is no longer registered.</note></command>");
  CHECK(serialize(commandCanceled("register-push-fcm", "s")) ==
        "<command xmlns='http://jabber.org/protocol/commands' node='register-push-fcm' sessionid='s' "
        "status='canceled'/>");
}

TEST_CASE("The form asks for what a registration needs, in words") {
  const std::string xml = serialize(commandForm(Command::registerPush, "register-push-gcm", "s"));
  CHECK(xml.starts_with(
      "<command xmlns='http://jabber.org/protocol/commands' node='register-push-gcm' sessionid='s' "
      "status='executing'><actions execute='complete'><complete/></actions>"
      "<x xmlns='jabber:x:data' type='form'><title>"));
  for (const char* part :
       {"<instructions>", "var='token'", "var='device-id'", "var='muc'", "label='FCM registration token'"}) {
    CAPTURE(part);
    CHECK(xml.find(part) != std::string::npos);
  }
  CHECK(serialize(commandForm(Command::unregisterPush, "unregister-push-fcm", "s")).find("var='token'") ==
        std::string::npos);
}

TEST_CASE("Service discovery shows a push service with two commands") {
  const std::string info = serialize(*discoInfo(""));
  CHECK(
      info.starts_with("<query xmlns='http://jabber.org/protocol/disco#info'>"
                       "<identity category='pubsub' type='push' name='p2 push proxy'/>"));
  for (const char* feature :
       {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items",
        "http://jabber.org/protocol/commands", "http://jabber.org/protocol/pubsub#publish",
        "http://jabber.org/protocol/pubsub#publish-options", "urn:xmpp:push:0", "urn:xmpp:ping",
        "jabber:iq:version", "urn:xmpp:time"}) {
    CAPTURE(feature);
    CHECK(info.find("<feature var='" + std::string(feature) + "'/>") != std::string::npos);
  }
  CHECK(serialize(*discoInfo("http://jabber.org/protocol/commands")).find("type='command-list'") !=
        std::string::npos);
  CHECK(serialize(*discoInfo("register-push-fcm")).find("type='command-node'") != std::string::npos);
  CHECK_FALSE(discoInfo("nothing"));
  CHECK(serialize(*discoItems("", "p")) == "<query xmlns='http://jabber.org/protocol/disco#items'/>");
  CHECK(serialize(*discoItems("http://jabber.org/protocol/commands", "p")) ==
        "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'>"
        "<item jid='p' node='register-push-fcm' name='Register a phone for push notifications'/>"
        "<item jid='p' node='unregister-push-fcm' name='Withdraw a phone&apos;s registration'/></query>");
  CHECK(serialize(*discoItems("register-push-fcm", "p")) ==
        "<query xmlns='http://jabber.org/protocol/disco#items' node='register-push-fcm'/>");
  CHECK_FALSE(discoItems("register", "p"));
}

TEST_CASE("Version and time are told") {
  CHECK(serialize(version()) == "<query xmlns='jabber:iq:version'><name>p2</name><version>" +
                                    std::string(p2::core::kVersion) + "</version></query>");
  CHECK(serialize(entityTime(std::chrono::system_clock::from_time_t(1700000000))) ==
        "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2023-11-14T22:13:20Z</utc></time>");
}
