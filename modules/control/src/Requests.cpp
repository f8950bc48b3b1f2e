#include "p2/control/Requests.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <exception>
#include <sstream>
#include <utility>

namespace p2::control {

namespace {

constexpr const char* kStatus = "status";
constexpr const char* kForget = "forget";

std::string text(const Poco::JSON::Object& object) {
  std::ostringstream out;
  object.stringify(out);
  return out.str();
}

std::string refusal(const std::string& why) {
  Poco::JSON::Object answer;
  answer.set("error", why);
  return text(answer);
}

std::string answerForget(const Poco::JSON::Object& request, const Handlers& daemon) {
  const auto list = request.getArray("nodes");
  if (list.isNull() || list->size() > kMostNodesAtOnce)
    return refusal("The list of nodes is missing or too long.");
  std::vector<std::string> nodes;
  for (std::size_t i = 0; i < list->size(); ++i) {
    nodes.push_back(list->getElement<std::string>(static_cast<unsigned>(i)));
  }
  const auto removed = daemon.forget(nodes);
  if (!removed) return refusal(removed.error());
  Poco::JSON::Object answer;
  answer.set("removed", removed.value());
  return text(answer);
}

/// The object in an answer, or what the daemon says is wrong.
core::Result<Poco::JSON::Object::Ptr> parseAnswer(const std::string& answer) {
  try {
    auto object = Poco::JSON::Parser().parse(answer).extract<Poco::JSON::Object::Ptr>();
    if (!object->has("error")) return object;
    if (auto why = object->getValue<std::string>("error"); !why.empty()) return core::Error{std::move(why)};
  } catch (const std::exception&) {
    // As if it said nothing.
  }
  return core::Error{"The daemon's answer cannot be read: it may be another version of p2. Restart it."};
}

}  // namespace

std::string statusRequest() {
  Poco::JSON::Object request;
  request.set("command", kStatus);
  return text(request);
}

std::string forgetRequest(std::span<const std::string> nodes) {
  Poco::JSON::Array list;
  for (const auto& node : nodes) list.add(node);
  Poco::JSON::Object request;
  request.set("command", kForget);
  request.set("nodes", list);
  return text(request);
}

std::string answerRequest(const std::string& request, const Handlers& daemon) {
  try {
    const auto object = Poco::JSON::Parser().parse(request).extract<Poco::JSON::Object::Ptr>();
    const auto command = object->optValue<std::string>("command", {});
    if (command == kStatus) return toJson(daemon.look());
    if (command == kForget) return answerForget(*object, daemon);
    return refusal("The daemon does not know this request: it may be another version of p2. Restart it.");
  } catch (const std::exception&) {
    return refusal("The daemon cannot read this request.");
  }
}

core::Result<std::uint64_t> parseForgetAnswer(const std::string& answer) {
  auto object = parseAnswer(answer);
  if (!object) return core::Error{object.error()};
  return static_cast<std::uint64_t>(object.value()->optValue<Poco::UInt64>("removed", 0));
}

core::Result<DaemonStatus> parseStatusAnswer(const std::string& answer) {
  if (auto object = parseAnswer(answer); !object) return core::Error{object.error()};
  return parseDaemonStatus(answer);
}

}  // namespace p2::control
