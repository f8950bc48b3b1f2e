#pragma once

#include <string>
#include <vector>

namespace p2::test {

/// How a server writes a publish (XEP-0357 §7): always for the node and with the secret of the worked
/// example.
struct PublishShape {
  std::string server;
  std::string xml;
  bool isImportant;  ///< Whether `fcm.priority = auto` takes it for urgent.
};

inline std::vector<PublishShape> publishShapes() {
  const std::string pubsub =
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='eKxTS5n3bOe0'>";
  const std::string options =
      "<publish-options><x type='submit' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>"
      "http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>"
      "KK4+H5WMfpRG/2zCbuKq6wpX</value></field></x></publish-options></pubsub></iq>";
  const std::string summary =
      "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:push:summary</value></field>";
  const auto field = [](const std::string& var, const std::string& value) {
    return "<field var='" + var + "'><value>" + value + "</value></field>";
  };
  const auto notification = [](const std::string& content) {
    return "<item><notification xmlns='urn:xmpp:push:0'>" + content + "</notification></item></publish>";
  };
  const auto iq = [](const std::string& from, const std::string& id) {
    return "<iq xml:lang='en' to='push.example.org' from='" + from + "' type='set' id='" + id + "'>";
  };
  return {
      {"ejabberd, message",
       iq("jabber.de", "13177243128614218312") + pubsub +
           notification("<x type='submit' xmlns='jabber:x:data'>" + summary +
                        field("last-message-body", "New message!") + "</x>") +
           options,
       true},
      {"ejabberd, other traffic", iq("jabber.de", "17") + pubsub + notification("") + options, false},
      {"Prosody 0.12, important",
       iq("jabber.de", "e4f2-1") + pubsub +
           notification("<x xmlns='jabber:x:data' type='form'>" + summary + field("message-count", "1") +
                        field("last-message-body", "New Message!") + "</x>") +
           options,
       true},
      {"Prosody 0.11, not important",
       iq("jabber.de", "e4f2-2") + pubsub +
           notification("<x xmlns='jabber:x:data'>" + summary + field("message-count", "1") + "</x>") +
           options,
       false},
      {"Prosody of 2017, from the account",
       iq("xiaomia1@jabber.de", "push") + pubsub +
           notification("<x xmlns='jabber:x:data'>" + summary + field("message-count", "3") +
                        "<field var='pending-subscription-count'/></x>") +
           options,
       false},
      {"MongooseIM",
       iq("jabber.de", "b1f2") + pubsub +
           notification("<x xmlns='jabber:x:data' type='submit'>" + summary + field("message-count", "1") +
                        field("last-message-sender", "bob@jabber.de") +
                        field("last-message-body", "the whole body &lt;of&gt; the message") + "</x>") +
           options,
       true},
      {"Tigase",
       iq("jabber.de", "t1") + pubsub +
           notification("<x xmlns='jabber:x:data'>" + summary + field("message-count", "2") +
                        field("last-message-sender", "bob@jabber.de") + field("last-message-body", "hi") +
                        "</x><priority xmlns='tigase:push:priority:0'>high</priority>"
                        "<groupchat "
                        "xmlns='http://tigase.org/protocol/muc#offline'><nickname>b</nickname></groupchat>") +
           options,
       true},
      {"Tigase, call",
       iq("jabber.de/0123abcd", "t2") + pubsub +
           notification("<x xmlns='jabber:x:data'>" + summary + field("message-count", "1") +
                        "<field var='last-message-body'><value/></field></x>"
                        "<priority xmlns='tigase:push:priority:0'>high</priority>") +
           options,
       true},
      {"Prosody of 2021, beside the notification",
       iq("jabber.de", "61ef") + pubsub +
           "<item><notification xmlns='urn:xmpp:push:0'/><x type='form' xmlns='jabber:x:data'>" + summary +
           field("message-count", "1") + "<field type='jid-single' var='last-message-sender'/>" +
           field("last-message-body", "New Message!") + "</x></item></publish>" + options,
       true},
      {"Prosody with extensions, encrypted call",
       iq("jabber.de", "61f0") + pubsub +
           notification("<encrypted iv='9n+9BKBXhcGwepLl' type='voip' xmlns='tigase:push:encrypt:0'>ReLVo0Wm"
                        "</encrypted><priority xmlns='tigase:push:priority:0'>high</priority>") +
           options,
       true},
      {"Metronome, message",
       iq("jabber.de", "m1") + pubsub +
           notification("<x xmlns='jabber:x:data'>" + summary + field("message-count", "1") +
                        field("last-message-sender", "bob@jabber.de/phone") + "</x>") +
           options,
       false},
      {"Openfire",
       iq("jabber.de", "123-45") + pubsub +
           notification("<x xmlns='jabber:x:data' type='form'>" + summary + field("message-count", "1") +
                        "<field var='last-message-sender'/><field var='last-message-body'/></x>") +
           options,
       false},
  };
}

}  // namespace p2::test
