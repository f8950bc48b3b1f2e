#include "Phones.h"

#include <string_view>

namespace p2::bench {

namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::uint64_t kDomains = 100;

/// SplitMix64: the numbers look random, so that neighbours in the list are none in the store.
std::uint64_t mixed(std::uint64_t state) {
  state += 0x9E3779B97F4A7C15U;
  state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9U;
  state = (state ^ (state >> 27U)) * 0x94D049BB133111EBU;
  return state ^ (state >> 31U);
}

/// `length` characters of an alphabet whose size is a power of two; `salt` tells one text of a phone from
/// another.
std::string text(std::uint64_t number, std::uint64_t salt, std::size_t length, std::string_view alphabet) {
  std::string made;
  made.reserve(length);
  std::uint64_t state = mixed(number * 8 + salt);
  for (std::size_t i = 0; i < length; ++i) {
    made += alphabet[(state >> 58U) & (alphabet.size() - 1)];
    state = state * 6364136223846793005U + 1442695040888963407U;
  }
  return made;
}

constexpr std::string_view kEjabberdNotification =
    "<x type='submit' xmlns='jabber:x:data'><field var='FORM_TYPE' "
    "type='hidden'><value>urn:xmpp:push:summary</value>"
    "</field><field var='last-message-body' type='text-single'><value>New message!</value></field></x>";
constexpr std::string_view kProsodyNotification =
    "<x xmlns='jabber:x:data' type='form'><field type='hidden' "
    "var='FORM_TYPE'><value>urn:xmpp:push:summary</value>"
    "</field><field type='text-single' var='message-count'><value>1</value></field><field type='text-single' "
    "var='last-message-body'><value>New Message!</value></field></x>";

}  // namespace

Phone phone(std::uint64_t number) {
  return {text(number, 0, 12, kBase64),
          text(number, 1, 24, kBase64),
          text(number, 2, 40, kHex),
          text(number, 3, 16, kHex),
          "domain" + std::to_string(number % kDomains) + ".example",
          text(number, 4, 142, kBase64)};
}

std::string publishStanza(const Phone& phone, std::uint64_t number, std::uint64_t id) {
  std::string stanza = "<iq xml:lang='en' to='";
  stanza += kComponent;
  stanza += "' from='" + phone.domain + "' type='set' id='" + std::to_string(id) +
            "'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='" + phone.node +
            "'><item><notification xmlns='urn:xmpp:push:0'>";
  stanza += number % 2 == 0 ? kEjabberdNotification : kProsodyNotification;
  stanza +=
      "</notification></item></publish><publish-options><x type='submit' xmlns='jabber:x:data'><field "
      "var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field "
      "var='secret'><value>" +
      phone.secret + "</value></field></x></publish-options></pubsub></iq>";
  return stanza;
}

std::string registerStanza(const Phone& phone, std::uint64_t number, std::uint64_t id) {
  std::string stanza = "<iq to='";
  stanza += kComponent;
  stanza +=
      "' from='user" + std::to_string(number) + '@' + phone.domain + "/phone' type='set' id='" +
      std::to_string(id) +
      "'><command xmlns='http://jabber.org/protocol/commands' node='register-push-fcm' action='complete'><x "
      "xmlns='jabber:x:data' type='submit'><field var='token'><value>" +
      phone.token + "</value></field><field var='android-id'><value>" + phone.deviceId +
      "</value></field></x></command></iq>";
  return stanza;
}

std::string exportLine(const Phone& phone) {
  return "{\"service\":\"FCM\",\"device\":\"" + phone.device + "\",\"channel\":\"\",\"domain\":\"" +
         phone.domain + "\",\"kind\":\"token\",\"token\":\"" + phone.token + "\",\"node\":\"" + phone.node +
         "\",\"secret\":\"" + phone.secret +
         "\",\"created\":\"2024-01-31T00:00:00Z\",\"lastRegistered\":\"2024-01-31T00:00:00Z\"}\n";
}

std::string fcmMessage(const Phone& phone) {
  return "{\"message\":{\"token\":\"" + phone.token + "\",\"data\":{\"account\":\"" + phone.device +
         "\"},\"android\":{\"priority\":\"HIGH\",\"collapse_key\":\"" + phone.device.substr(0, 6) + "\"}}}";
}

}  // namespace p2::bench
