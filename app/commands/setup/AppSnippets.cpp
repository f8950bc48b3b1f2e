#include "commands/setup/AppSnippets.h"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <exception>
#include <stdexcept>
#include <vector>

namespace p2::app {

namespace {

using Object = Poco::JSON::Object::Ptr;

std::string escaped(std::string_view text) {
  std::string xml;
  for (const char c : text) {
    if (c == '&') {
      xml += "&amp;";
    } else if (c == '<') {
      xml += "&lt;";
    } else {
      xml += c;
    }
  }
  return xml;
}

std::string line(std::string_view name, std::string_view value, bool translatable) {
  return "  <string name=\"" + std::string(name) + '"' + (translatable ? "" : " translatable=\"false\"") +
         '>' + escaped(value) + "</string>\n";
}

/// A member that must be there. Throws otherwise; the caller's caller catches.
Object child(const Object& object, const std::string& name) {
  auto found = object->getObject(name);
  if (found.isNull()) throw std::invalid_argument(name);
  return found;
}

std::string packageOf(const Object& client) {
  return child(child(client, "client_info"), "android_client_info")->getValue<std::string>("package_name");
}

core::Result<Object> chooseClient(const Object& root, std::string_view package) {
  const auto clients = root->getArray("client");
  if (clients.isNull() || clients->size() == 0)
    return core::Error{"names no Android app; add one in Firebase"};
  std::string names;
  for (std::size_t i = 0; i < clients->size(); ++i) {
    auto client = clients->getObject(static_cast<unsigned>(i));
    if (client.isNull()) throw std::invalid_argument("client");
    const auto name = packageOf(client);
    if (name == package || (package.empty() && clients->size() == 1)) return client;
    names += (names.empty() ? "" : ", ") + name;
  }
  if (package.empty()) return core::Error{"names several apps; choose one with --package: " + names};
  return core::Error{"does not name that app; there are: " + names};
}

core::Result<std::string> build(const Object& root, std::string_view package, std::string_view component) {
  const auto client = chooseClient(root, package);
  if (!client) return core::Error{client.error()};
  const auto project = child(root, "project_info");
  const auto keys = client.value()->getArray("api_key");
  const auto key = keys.isNull() ? Object() : keys->getObject(0);
  if (key.isNull()) throw std::invalid_argument("api_key");
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<resources>\n" + line("app_server", component, true) +
         line("gcm_defaultSenderId", project->getValue<std::string>("project_number"), false) +
         line("google_app_id",
              child(client.value(), "client_info")->getValue<std::string>("mobilesdk_app_id"), false) +
         line("project_id", project->getValue<std::string>("project_id"), false) +
         line("google_api_key", key->getValue<std::string>("current_key"), false) + "</resources>\n";
}

}  // namespace

core::Result<std::string> pushXml(const std::string& googleServices, std::string_view package,
                                  std::string_view component) {
  try {
    const auto root = Poco::JSON::Parser().parse(googleServices).extract<Object>();
    return build(root, package, component);
  } catch (const std::exception&) {
    return core::Error{
        "is not the google-services.json that Firebase gives for an Android app; download it there again"};
  }
}

}  // namespace p2::app
