#include "p2/http/Proxy.h"

#include "p2/http/Url.h"

#include <Poco/Exception.h>
#include <Poco/String.h>
#include <Poco/URI.h>

#include <array>
#include <sstream>

namespace p2::http {

namespace {

constexpr std::string_view kProxyScheme = "http://";

std::optional<std::string> decodePercent(std::string_view text) {
  try {
    std::string decoded;
    Poco::URI::decode(std::string(text), decoded);
    return decoded;
  } catch (const Poco::Exception&) {
    return std::nullopt;
  }
}

/// Takes `user:password@` off the front of `text`. False if it cannot be decoded.
bool takeCredentials(std::string_view& text, Proxy& proxy) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return true;
  const std::string_view credentials = text.substr(0, at);
  text.remove_prefix(at + 1);
  const auto colon = std::min(credentials.find(':'), credentials.size());
  auto user = decodePercent(credentials.substr(0, colon));
  auto password =
      decodePercent(colon < credentials.size() ? credentials.substr(colon + 1) : std::string_view());
  if (!user || !password) return false;
  proxy.user = std::move(*user);
  proxy.password = core::Secret(std::move(*password));
  return true;
}

std::vector<std::string> splitExceptions(const std::string& list) {
  std::vector<std::string> exceptions;
  std::istringstream in(list);
  for (std::string entry; std::getline(in, entry, ',');) {
    Poco::toLowerInPlace(Poco::trimInPlace(entry));
    if (entry.starts_with('.')) entry.erase(0, 1);
    if (!entry.empty()) exceptions.push_back(entry);
  }
  return exceptions;
}

/// The first of two spellings of a variable that is set and not empty, and its name.
std::pair<const char*, std::string> firstSet(const Proxy::Lookup& lookup, std::array<const char*, 2> names) {
  for (const char* name : names) {
    const char* value = lookup(name);
    if (value != nullptr && *value != '\0') return {name, value};
  }
  return {nullptr, {}};
}

}  // namespace

core::Result<Proxy> Proxy::parse(std::string_view text) {
  Proxy proxy;
  if (text.starts_with("https://") || text.starts_with("socks")) {
    return core::Error{"must be an http:// proxy; others are not supported"};
  }
  if (text.starts_with(kProxyScheme)) text.remove_prefix(kProxyScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  if (!takeCredentials(text, proxy)) return core::Error{"has a user or password that is not percent-encoded"};

  // What is left has the form of an https URL's authority, except for the default port.
  auto authority = Url::parse("https://" + std::string(text));
  if (!authority) return core::Error{authority.error()};
  if (!authority.value().path.empty()) return core::Error{"must not have a path"};
  proxy.host = authority.value().host;
  if (!text.ends_with(']') && text.rfind(':') != std::string_view::npos) proxy.port = authority.value().port;
  return proxy;
}

core::Result<std::optional<Proxy>> Proxy::fromEnvironment(const Lookup& lookup) {
  const auto [name, value] = firstSet(lookup, {"HTTPS_PROXY", "https_proxy"});
  if (name == nullptr) return std::optional<Proxy>();
  auto proxy = parse(value);
  if (!proxy) return core::Error{std::string("The environment variable ") + name + " " + proxy.error() + "."};
  Proxy found = std::move(proxy).value();
  found.exceptions = splitExceptions(firstSet(lookup, {"NO_PROXY", "no_proxy"}).second);
  return std::optional<Proxy>(std::move(found));
}

bool Proxy::appliesTo(std::string_view target) const {
  const std::string name = Poco::toLower(std::string(target));
  for (const std::string& exception : exceptions) {
    if (exception == "*" || name == exception || name.ends_with('.' + exception)) return false;
  }
  return true;
}

}  // namespace p2::http
