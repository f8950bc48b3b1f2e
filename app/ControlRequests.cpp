#include "ControlRequests.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <exception>
#include <future>
#include <sstream>
#include <utility>

namespace p2::app {

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

std::string answerForget(const Poco::JSON::Object& request, store::Store& store) {
  const auto list = request.getArray("nodes");
  if (list.isNull() || list->size() > kMostNodesAtOnce)
    return refusal("The list of nodes is missing or too long.");
  std::vector<std::string> nodes;
  for (std::size_t i = 0; i < list->size(); ++i) {
    nodes.push_back(list->getElement<std::string>(static_cast<unsigned>(i)));
  }
  const auto removed = forgetNodes(store, nodes);
  if (!removed) return refusal(removed.error());
  Poco::JSON::Object answer;
  answer.set("removed", removed.value());
  return text(answer);
}

/// The object in an answer, or what the daemon says is wrong.
core::Result<Poco::JSON::Object::Ptr> parseAnswer(const std::string& answer) {
  try {
    auto object = Poco::JSON::Parser().parse(answer).extract<Poco::JSON::Object::Ptr>();
    if (object->has("error")) return core::Error{object->getValue<std::string>("error")};
    return object;
  } catch (const std::exception&) {
    return core::Error{"The daemon's answer cannot be read: it may be another version of p2. Restart it."};
  }
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

std::string answerControl(const std::string& request, const std::function<DaemonStatus()>& look,
                          store::Store& store) {
  try {
    const auto object = Poco::JSON::Parser().parse(request).extract<Poco::JSON::Object::Ptr>();
    const auto command = object->optValue<std::string>("command", {});
    if (command == kStatus) return toJson(look());
    if (command == kForget) return answerForget(*object, store);
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

core::Result<std::uint64_t> forgetNodes(store::Store& store, std::span<const std::string> nodes) {
  std::vector<std::future<core::Result<bool>>> outcomes;
  for (const auto& node : nodes) {
    std::promise<core::Result<bool>> promise;
    outcomes.push_back(promise.get_future());
    store.forget(node, [promise = std::move(promise)](core::Result<bool> done) mutable {
      promise.set_value(std::move(done));
    });
  }
  std::uint64_t removed = 0;
  std::string fault;
  for (auto& outcome : outcomes) {
    const auto done = outcome.get();
    if (!done) {
      fault = done.error();
    } else if (done.value()) {
      ++removed;
    }
  }
  if (!fault.empty()) return core::Error{fault};
  return removed;
}

}  // namespace p2::app
