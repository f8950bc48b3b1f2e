#include "p2/proxy/Requests.h"

#include "p2/xmpp/DataForm.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/Namespaces.h"

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <array>
#include <utility>

namespace p2::proxy {

namespace {

using xmpp::DataForm;
using xmpp::Element;
using xmpp::Iq;
using xmpp::Jid;
using xmpp::StanzaError;
namespace ns = xmpp::ns;

// Kept until the answer, with the addresses that RFC 7622 bounds: what somebody may make us keep, times the
// queue.
constexpr std::size_t kMaxIdSize = 1024;
constexpr std::size_t kMaxDeviceIdSize = 256;

struct CommandName {
  std::string_view node;
  Command command;
};

// The first name of each command is the one of today.
constexpr std::array kCommandNames{
    CommandName{"register-push-fcm", Command::registerPush},
    CommandName{"unregister-push-fcm", Command::unregisterPush},
    CommandName{"register-push-gcm", Command::registerPush},
    CommandName{"unregister-push-gcm", Command::unregisterPush},
};

Refused badRequest(const char* why) {
  return {StanzaError::badRequest(why)};
}

/// XEP-0050 §4.4: bad-request with the command's own condition beside it.
Refused badCommand(const char* application, const char* why) {
  StanzaError error = StanzaError::badRequest(why);
  error.application = application;
  error.applicationNs = ns::kAdHoc;
  return {std::move(error)};
}

/// The device's own id; `device-id` wins over the older name.
std::optional<std::string_view> deviceIdOf(const DataForm& form) {
  auto id = form.value("device-id");
  if (!id || id->empty()) id = form.value("android-id");
  if (!id || id->empty() || id->size() > kMaxDeviceIdSize) return std::nullopt;
  return id;
}

/// The channel's hash: empty if the form names none, nothing if it names it wrongly.
std::optional<std::string> channelOf(const DataForm& form, std::string_view deviceId) {
  if (const auto hash = form.value("channel"); hash && !hash->empty()) {
    return store::isSha1(*hash) ? std::optional(std::string(*hash)) : std::nullopt;
  }
  const auto muc = form.value("muc");
  if (!muc || muc->empty()) return std::string();
  const auto jid = Jid::parse(*muc);
  if (!jid || !jid->resource().empty()) return std::nullopt;
  return deviceHash(*muc, deviceId);
}

Request parseRegister(const DataForm& form, Register request, const store::DeviceKey& key, const Jid& from) {
  const auto token = form.value("token");
  if (!token || token->empty() || token->size() > kMaxTokenBytes) {
    return badCommand("bad-payload",
                      "Enter the FCM registration token (the field token), of 1024 bytes at most.");
  }
  request.key = key;
  request.domain = xmpp::comparableDomain(from.domain());
  request.target = {core::Target::Kind::registrationToken, core::Secret(std::string(*token))};
  return request;
}

Request parseFilledForm(Command command, const Element& element, const DataForm& form, const Jid& from) {
  const auto deviceId = deviceIdOf(form);
  if (!deviceId) {
    return badCommand("bad-payload",
                      "Enter the device id (the field device-id or android-id), of 256 bytes at most.");
  }
  auto channel = channelOf(form, *deviceId);
  if (!channel)
    return badCommand("bad-payload",
                      "The channel (the field muc) must be an address such as room@conference.example.org.");

  std::string node(element.attribute("node"));
  std::string sessionId(element.attribute("sessionid"));
  store::DeviceKey key{store::Service::fcm, deviceHash(from.bare(), *deviceId), std::move(*channel)};
  if (command == Command::registerPush) {
    return parseRegister(form, {std::move(node), std::move(sessionId), {}, {}, {}}, key, from);
  }
  return Unregister{std::move(node), std::move(sessionId), std::move(key),
                    xmpp::comparableDomain(from.domain())};
}

Refused noSuchCommand() {
  StanzaError error = StanzaError::itemNotFound();
  error.text = "There is no such command.";
  return {std::move(error)};
}

/// XEP-0050 §3.4: nothing for an action that goes on.
std::optional<Refused> refusedAction(std::string_view action) {
  if (action == "prev" || action == "next") {
    return badCommand("bad-action", "This command has one step: complete or cancel it.");
  }
  if (!action.empty() && action != "execute" && action != "complete") {
    return badCommand("malformed-action", "There is no such action.");
  }
  return std::nullopt;
}

Request parseCommand(const Iq& iq, const Jid& from) {
  const Element& element = iq.payload;
  const auto node = element.attribute("node");
  const auto command = commandOf(node);
  if (!command) return noSuchCommand();
  if (iq.type != Iq::Type::set) return badRequest("A command is executed with an iq of type set.");

  const CommandCancel cancel{std::string(node), std::string(element.attribute("sessionid"))};
  const auto action = element.attribute("action");
  if (action == "cancel") return cancel;
  if (auto refused = refusedAction(action)) return std::move(*refused);
  const Element* x = element.child("x", ns::kDataForm);
  if (x == nullptr) {
    if (action == "complete" || element.hasAttribute("sessionid")) {
      return badCommand("bad-payload", "The command needs its form, filled in.");
    }
    return CommandForm{*command, std::string(node)};
  }
  const auto form = xmpp::parseDataForm(*x);
  if (!form) return badCommand("bad-payload", "The form is too big.");
  if (form->type == "cancel") return cancel;
  return parseFilledForm(*command, element, *form, from);
}

/// Whether a child of `parent` says that a person may be waiting.
bool saysImportant(const Element& parent) {
  const Element* x = parent.child("x", ns::kDataForm);
  if (x != nullptr && !xmpp::valueInForm(*x, "last-message-body").value_or("").empty()) return true;
  const Element* priority = parent.child("priority", ns::kTigasePriority);
  if (priority != nullptr && priority->text == "high") return true;
  // Of what is encrypted nothing can be known.
  return parent.child("encrypted", ns::kTigaseEncrypt) != nullptr;
}

/// Prosody of 2021 puts its form beside the notification.
bool isImportant(const Element& publish) {
  const Element* item = publish.child("item", ns::kPubSub);
  if (item == nullptr) return false;
  const Element* notification = item->child("notification", ns::kPush);
  return saysImportant(*item) || (notification != nullptr && saysImportant(*notification));
}

struct PubSubFeature {
  std::string_view request;
  const char* feature;  // XEP-0060 §16.1
};

constexpr std::array kOtherPubSub{
    PubSubFeature{"affiliations", "retrieve-affiliations"},
    PubSubFeature{"configure", "config-node"},
    PubSubFeature{"create", "create-nodes"},
    PubSubFeature{"default", "retrieve-default"},
    PubSubFeature{"items", "retrieve-items"},
    PubSubFeature{"options", "subscription-options"},
    PubSubFeature{"retract", "delete-items"},
    PubSubFeature{"subscribe", "subscribe"},
    PubSubFeature{"subscriptions", "retrieve-subscriptions"},
    PubSubFeature{"unsubscribe", "subscribe"},
};

/// The answer to a request that is not for publishing. One that is, and is malformed, never gets this: on an
/// error of type cancel some servers drop the user.
Refused notAPublish(const Element& pubsub) {
  for (const auto& other : kOtherPubSub) {
    if (pubsub.child(other.request, ns::kPubSub) == nullptr) continue;
    return {{StanzaError::Type::cancel, StanzaError::Condition::featureNotImplemented,
             "This service takes publish requests only.", "unsupported", std::string(ns::kPubSubErrors),
             other.feature}};
  }
  return badRequest("This service takes publish requests only.");
}

std::optional<std::string_view> secretOf(const Element& form) {
  const auto secret = xmpp::valueInForm(form, "secret");
  if (!secret || secret->empty() || secret->size() > store::kMaxSecretBytes) return std::nullopt;
  return secret;
}

Request parsePublish(const Iq& iq, const Jid& from) {
  const Element* publish = iq.payload.child("publish", ns::kPubSub);
  if (publish == nullptr) return notAPublish(iq.payload);
  if (iq.type != Iq::Type::set) return badRequest("To publish is an iq of type set.");
  const auto node = publish->attribute("node");
  if (node.empty()) return badRequest("The publish request names no node.");

  const Element* options = iq.payload.child("publish-options", ns::kPubSub);
  const Element* x = options == nullptr ? nullptr : options->child("x", ns::kDataForm);
  const auto secret = x == nullptr ? std::nullopt : secretOf(*x);
  if (!secret) return badRequest("The publish request has no secret among its options.");

  // A node of another length exists nowhere; it takes the way of an unknown one all the same.
  return Publish{std::string(node.substr(0, store::kMaxNodeBytes)), core::Secret(std::string(*secret)),
                 xmpp::comparableDomain(from.domain()), isImportant(*publish)};
}

}  // namespace

Request parseRequest(const Iq& iq, const std::string& jid) {
  if (!xmpp::isAt(iq.to, jid)) return NotOurs{};
  const auto from = Jid::parse(iq.from);
  if (!from) return Refused{{StanzaError::Type::modify, StanzaError::Condition::jidMalformed, {}, {}, {}}};
  if (iq.id.size() > kMaxIdSize) {
    return Refused{
        {StanzaError::Type::modify, StanzaError::Condition::policyViolation, "The id is too long.", {}, {}}};
  }
  const Element& payload = iq.payload;
  if (payload.name.empty()) return badRequest("A request has exactly one child.");
  // There is nobody behind the component's name, and no resource of it.
  if (iq.to.find_first_of("@/") != std::string::npos) return Refused{{}};

  if (payload.is("pubsub", ns::kPubSub)) return parsePublish(iq, *from);
  if (payload.is("command", ns::kAdHoc)) return parseCommand(iq, *from);
  if (iq.type == Iq::Type::get) {
    const std::string node(payload.attribute("node"));
    if (payload.is("query", ns::kDiscoInfo)) return DiscoInfo{node};
    if (payload.is("query", ns::kDiscoItems)) return DiscoItems{node};
    if (payload.is("ping", ns::kPing)) return Ping{};
    if (payload.is("query", ns::kVersion)) return Version{};
    if (payload.is("time", ns::kTime)) return EntityTime{};
  }
  return Refused{{}};
}

std::string deviceHash(std::string_view jid, std::string_view deviceId) {
  Poco::SHA1Engine sha1;
  sha1.update(jid.data(), jid.size());
  sha1.update('\0');
  sha1.update(deviceId.data(), deviceId.size());
  return Poco::DigestEngine::digestToHex(sha1.digest());
}

std::optional<Command> commandOf(std::string_view node) noexcept {
  for (const auto& name : kCommandNames) {
    if (name.node == node) return name.command;
  }
  return std::nullopt;
}

std::string_view nodeOf(Command command) noexcept {
  for (const auto& name : kCommandNames) {
    if (name.command == command) return name.node;
  }
  return {};
}

}  // namespace p2::proxy
