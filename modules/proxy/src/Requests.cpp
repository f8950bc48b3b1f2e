#include "p2/proxy/Requests.h"

#include "p2/xmpp/DataForm.h"
#include "p2/xmpp/Jid.h"
#include "p2/xmpp/Namespaces.h"

#include <Poco/DigestEngine.h>
#include <Poco/SHA1Engine.h>

#include <algorithm>
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
constexpr std::size_t kMaxTokenSize = 4096;
constexpr std::size_t kMaxDeviceIdSize = 256;
constexpr std::size_t kMaxNodeSize = 64;
constexpr std::size_t kMaxSecretSize = 64;
constexpr std::size_t kHashSize = 40;

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

bool isHash(std::string_view text) {
  return text.size() == kHashSize && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
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
    return isHash(*hash) ? std::optional(std::string(*hash)) : std::nullopt;
  }
  const auto muc = form.value("muc");
  if (!muc || muc->empty()) return std::string();
  const auto jid = Jid::parse(*muc);
  if (!jid || !jid->resource().empty()) return std::nullopt;
  return deviceHash(*muc, deviceId);
}

Request parseRegister(const DataForm& form, Register request, const store::DeviceKey& key, const Jid& from) {
  const auto token = form.value("token");
  if (!token || token->empty() || token->size() > kMaxTokenSize) {
    return badCommand("bad-payload", "The form needs the field token, of 4096 bytes at most.");
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
                      "The form needs the field device-id or android-id, of 256 bytes at most.");
  }
  auto channel = channelOf(form, *deviceId);
  if (!channel) return badCommand("bad-payload", "The field muc must hold the bare address of a channel.");

  std::string node(element.attribute("node"));
  std::string sessionId(element.attribute("sessionid"));
  store::DeviceKey key{store::Service::fcm, deviceHash(from.bare(), *deviceId), std::move(*channel)};
  if (command == Command::registerPush) {
    return parseRegister(form, {std::move(node), std::move(sessionId), {}, {}, {}}, key, from);
  }
  return Unregister{std::move(node), std::move(sessionId), std::move(key),
                    xmpp::comparableDomain(from.domain())};
}

Request parseCommand(const Iq& iq, const Jid& from) {
  const Element& element = iq.payload;
  const auto node = element.attribute("node");
  const auto command = commandOf(node);
  if (!command) return Refused{StanzaError::itemNotFound()};
  if (iq.type != Iq::Type::set) return badRequest("A command is executed with an iq of type set.");

  const auto action = element.attribute("action");
  if (action == "cancel")
    return CommandCancel{std::string(node), std::string(element.attribute("sessionid"))};
  if (action == "prev" || action == "next") {
    return badCommand("bad-action", "This command has one step: complete or cancel it.");
  }
  if (!action.empty() && action != "execute" && action != "complete") {
    return badCommand("malformed-action", "There is no such action.");
  }
  const Element* x = element.child("x", ns::kDataForm);
  if (x == nullptr) {
    if (action == "complete" || element.hasAttribute("sessionid")) {
      return badCommand("bad-payload", "The command needs its form, filled in.");
    }
    return CommandForm{*command, std::string(node)};
  }
  const auto form = xmpp::parseDataForm(*x);
  if (!form) return badCommand("bad-payload", "The form is too big.");
  if (form->type == "cancel")
    return CommandCancel{std::string(node), std::string(element.attribute("sessionid"))};
  return parseFilledForm(*command, element, *form, from);
}

bool hasBody(const Element& publish) {
  const Element* item = publish.child("item", ns::kPubSub);
  const Element* notification = item == nullptr ? nullptr : item->child("notification", ns::kPush);
  const Element* x = notification == nullptr ? nullptr : notification->child("x", ns::kDataForm);
  return x != nullptr && xmpp::valueInForm(*x, "last-message-body").value_or("") != "";
}

std::optional<std::string_view> secretOf(const Element& form) {
  const auto secret = xmpp::valueInForm(form, "secret");
  if (!secret || secret->empty() || secret->size() > kMaxSecretSize) return std::nullopt;
  return secret;
}

Request parsePublish(const Iq& iq, const Jid& from) {
  const Element* publish = iq.payload.child("publish", ns::kPubSub);
  if (iq.type != Iq::Type::set || publish == nullptr)
    return badRequest("This service takes publish requests only.");
  const auto node = publish->attribute("node");
  if (node.empty()) return badRequest("The publish request names no node.");

  const Element* options = iq.payload.child("publish-options", ns::kPubSub);
  const Element* x = options == nullptr ? nullptr : options->child("x", ns::kDataForm);
  const auto secret = x == nullptr ? std::nullopt : secretOf(*x);
  if (!secret) return badRequest("The publish request has no secret among its options.");

  // A node of another length exists nowhere; it takes the way of an unknown one all the same.
  return Publish{std::string(node.substr(0, kMaxNodeSize)), core::Secret(std::string(*secret)),
                 xmpp::comparableDomain(from.domain()), hasBody(*publish)};
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
