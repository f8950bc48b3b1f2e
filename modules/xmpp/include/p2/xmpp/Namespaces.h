#pragma once

#include <string_view>

namespace p2::xmpp::ns {

inline constexpr std::string_view kAdHoc = "http://jabber.org/protocol/commands";              // XEP-0050
inline constexpr std::string_view kComponent = "jabber:component:accept";                      // XEP-0114
inline constexpr std::string_view kDataForm = "jabber:x:data";                                 // XEP-0004
inline constexpr std::string_view kDiscoInfo = "http://jabber.org/protocol/disco#info";        // XEP-0030
inline constexpr std::string_view kDiscoItems = "http://jabber.org/protocol/disco#items";      // XEP-0030
inline constexpr std::string_view kPing = "urn:xmpp:ping";                                     // XEP-0199
inline constexpr std::string_view kPubSub = "http://jabber.org/protocol/pubsub";               // XEP-0060
inline constexpr std::string_view kPubSubErrors = "http://jabber.org/protocol/pubsub#errors";  // XEP-0060
inline constexpr std::string_view kPubSubPublish = "http://jabber.org/protocol/pubsub#publish";
inline constexpr std::string_view kPubSubPublishOptions = "http://jabber.org/protocol/pubsub#publish-options";
inline constexpr std::string_view kPush = "urn:xmpp:push:0";    // XEP-0357
inline constexpr std::string_view kPush2 = "urn:xmpp:push2:0";  // Push 2.0, no XEP yet
inline constexpr std::string_view kStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas";  // RFC 6120 §8.3
inline constexpr std::string_view kStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams";  // RFC 6120 §4.9
inline constexpr std::string_view kStreams = "http://etherx.jabber.org/streams";          // RFC 6120 §4.8.1
inline constexpr std::string_view kTigaseEncrypt = "tigase:push:encrypt:0";
inline constexpr std::string_view kTigasePriority = "tigase:push:priority:0";
inline constexpr std::string_view kTime = "urn:xmpp:time";         // XEP-0202
inline constexpr std::string_view kVersion = "jabber:iq:version";  // XEP-0092

}  // namespace p2::xmpp::ns
