#include "p2/proxy/Replies.h"

#include "p2/core/Version.h"
#include "p2/xmpp/DataForm.h"
#include "p2/xmpp/Namespaces.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Timestamp.h>

#include <array>
#include <utility>
#include <vector>

namespace p2::proxy {

namespace {

using xmpp::DataForm;
using xmpp::Element;
namespace ns = xmpp::ns;

Element commandElement(const std::string& node, const std::string& sessionId, const char* status) {
  return {"command", std::string(ns::kAdHoc), {{"node", node}, {"sessionid", sessionId}, {"status", status}}};
}

Element identity(const char* category, const char* type, const char* name) {
  return {"identity", std::string(ns::kDiscoInfo), {{"category", category}, {"type", type}, {"name", name}}};
}

Element feature(std::string_view var) {
  return {"feature", std::string(ns::kDiscoInfo), {{"var", std::string(var)}}};
}

const char* nameOf(Command command) {
  switch (command) {
    case Command::registerPush:
      return "Register a phone for push notifications";
    case Command::unregisterPush:
      return "Withdraw a phone's registration";
  }
  return "";
}

DataForm::Field deviceIdField() {
  return {"device-id", "text-single",
          "Device id", "What the app calls this device: up to 256 bytes, always the same.",
          {},          true};
}

DataForm::Field channelField() {
  return {"muc", "jid-single", "Channel", "Only for a registration that is for one channel: its address.",
          {},    false};
}

Element query(std::string_view queryNs, const std::string& node) {
  Element element("query", std::string(queryNs));
  if (!node.empty()) element.attributes.push_back({"node", node});
  return element;
}

std::vector<Element> ownFeatures() {
  std::vector<Element> children{identity("pubsub", "push", "p2 push proxy")};
  for (const auto var : {ns::kDiscoInfo, ns::kDiscoItems, ns::kAdHoc, ns::kPubSubPublish,
                         ns::kPubSubPublishOptions, ns::kPush, ns::kPing, ns::kVersion, ns::kTime}) {
    children.push_back(feature(var));
  }
  return children;
}

}  // namespace

Element registered(const std::string& commandNode, const std::string& sessionId, const std::string& jid,
                   const store::Registration& registration) {
  DataForm form{"result", "The phone is registered", {}, {}};
  form.fields.push_back({"jid", "jid-single", "Push service", {}, {jid}, false});
  form.fields.push_back({"node", "text-single", "Node", {}, {registration.node}, false});
  form.fields.push_back({"secret", "text-single", "Secret", {}, {registration.secret.reveal()}, false});
  return commandElement(commandNode, sessionId, "completed").with(form.toElement());
}

Element commandCompleted(const std::string& commandNode, const std::string& sessionId) {
  return commandElement(commandNode, sessionId, "completed")
      .with(Element("note", std::string(ns::kAdHoc), {{"type", "info"}})
                .withText("The phone is no longer registered."));
}

Element commandCanceled(const std::string& commandNode, const std::string& sessionId) {
  return commandElement(commandNode, sessionId, "canceled");
}

Element commandForm(Command command, const std::string& commandNode, const std::string& sessionId) {
  DataForm form{"form", nameOf(command), {}, {}};
  if (command == Command::registerPush) {
    form.instructions =
        "An app with push does this by itself. By hand it is for trying things out: the token is what "
        "Firebase gives the app, whose developer can have it logged; the device id is any name that "
        "stays the same. The answer holds the node and the secret that a client hands to your server "
        "when it enables push (XEP-0357).";
    form.fields.push_back(
        {"token", "text-single", "FCM registration token", "What Firebase gave the app.", {}, true});
  } else {
    form.instructions = "Enter the device id that the phone was registered with.";
  }
  form.fields.push_back(deviceIdField());
  form.fields.push_back(channelField());
  Element actions("actions", std::string(ns::kAdHoc), {{"execute", "complete"}});
  actions.children.emplace_back("complete", std::string(ns::kAdHoc));
  return commandElement(commandNode, sessionId, "executing").with(std::move(actions)).with(form.toElement());
}

std::optional<Element> discoInfo(const std::string& node) {
  Element info = query(ns::kDiscoInfo, node);
  if (node.empty()) {
    info.children = ownFeatures();
    return info;
  }
  if (node == ns::kAdHoc) {
    info.children = {identity("automation", "command-list", "Commands"), feature(ns::kAdHoc)};
    return info;
  }
  if (const auto command = commandOf(node)) {
    info.children = {identity("automation", "command-node", nameOf(*command)), feature(ns::kAdHoc),
                     feature(ns::kDataForm)};
    return info;
  }
  return std::nullopt;
}

std::optional<Element> discoItems(const std::string& node, const std::string& jid) {
  Element items = query(ns::kDiscoItems, node);
  if (node.empty() || commandOf(node)) return items;  // a command has no items
  if (node != ns::kAdHoc) return std::nullopt;
  for (const auto command : {Command::registerPush, Command::unregisterPush}) {
    items.children.emplace_back(
        "item", std::string(ns::kDiscoItems),
        std::vector<xmpp::Attribute>{
            {"jid", jid}, {"node", std::string(nodeOf(command))}, {"name", nameOf(command)}});
  }
  return items;
}

Element version() {
  return Element("query", std::string(ns::kVersion))
      .with(Element("name", std::string(ns::kVersion)).withText("p2"))
      .with(Element("version", std::string(ns::kVersion)).withText(core::kVersion));
}

Element entityTime(std::chrono::system_clock::time_point now) {
  const Poco::Timestamp timestamp = Poco::Timestamp::fromEpochTime(std::chrono::system_clock::to_time_t(now));
  return Element("time", std::string(ns::kTime))
      .with(Element("tzo", std::string(ns::kTime)).withText("+00:00"))
      .with(Element("utc", std::string(ns::kTime))
                .withText(Poco::DateTimeFormatter::format(timestamp, Poco::DateTimeFormat::ISO8601_FORMAT)));
}

xmpp::StanzaError badSession(bool expired) {
  using Condition = xmpp::StanzaError::Condition;
  return {expired ? xmpp::StanzaError::Type::cancel : xmpp::StanzaError::Type::modify,
          expired ? Condition::notAllowed : Condition::badRequest, "Begin the command again.",
          expired ? "session-expired" : "bad-sessionid", std::string(ns::kAdHoc)};
}

}  // namespace p2::proxy
