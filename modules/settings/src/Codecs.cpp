#include "p2/settings/Codecs.h"

#include "p2/xmpp/Jid.h"

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/String.h>
#include <Poco/URI.h>

namespace p2::settings::codec {

namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
/// The largest first, as format() wants it.
constexpr std::array kUnits{
    DurationUnit{"d", 86400000}, DurationUnit{"h", 3600000}, DurationUnit{"m", 60000},
    DurationUnit{"s", 1000},     DurationUnit{"ms", 1},
};
constexpr std::uint16_t kMariadbPort = 3306;
constexpr std::int64_t kLongest = std::int64_t{100} * 365 * 86400000;

constexpr const char* kDurationForm = "give a number with a unit (ms, s, m, h or d), such as 15s, 2h or 270d";
constexpr const char* kHostForm = "give a host name or an IP address, without a port";
constexpr const char* kListenForm = "give an address and a port, such as 127.0.0.1:9357, or nothing for off";
constexpr const char* kHostsForm =
    "give hosts with commas between them, such as db1.example.org, db2.example.org:3307, [2001:db8::1]:3306";
constexpr const char* kEndpointForm = "give an address such as https://fcm.googleapis.com";
constexpr const char* kProxyForm =
    "give an address such as http://proxy.example.org:3128 or http://user:password@proxy.example.org:3128, "
    "or none";

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

bool isHostCharacter(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

/// Refuses what no address on a line of text has, before Poco::URI turns it into something else.
bool hasOnlyGraphicAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool isDomain(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return isHostCharacter(c) || static_cast<unsigned char>(c) >= 0x80;
  });
  return plain && !text.empty() && text.size() <= 1023 && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// At least one part, which may be empty.
std::vector<std::string_view> betweenCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const auto comma = std::min(text.find(',', start), text.size());
    parts.push_back(trimmed(text.substr(start, comma - start)));
    start = comma + 1;
  }
  return parts;
}

/// `host:port`, with IPv6 in brackets; nothing if it is anything else.
std::optional<HostAndPort> hostAndPort(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto hostText = text.substr(0, colon);
  const bool bareIpv6 = hostText.find(':') != std::string_view::npos && hostText.front() != '[';
  auto host = Host::parse(hostText);
  const auto port = Port::parse(text.substr(colon + 1));
  if (bareIpv6 || !host || !port) return std::nullopt;
  return HostAndPort{std::move(host).value(), port.value()};
}

std::string withPort(const HostAndPort& address) {
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return (ipv6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

}  // namespace

std::optional<std::uint64_t> parseDigits(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, number);
  if (text.empty() || stop != end || fault != std::errc()) return std::nullopt;
  return number;
}

core::Result<bool> Boolean::parse(std::string_view text) {
  const std::string lower = Poco::toLower(std::string(text));
  if (lower == "true" || lower == "yes") return true;
  if (lower == "false" || lower == "no") return false;
  return core::Error{"give true or false"};
}

core::Result<std::chrono::milliseconds> Milliseconds::parse(std::string_view text) {
  const auto* const unitStart = std::find_if_not(text.begin(), text.end(), isDigit);
  const auto digits = static_cast<std::size_t>(unitStart - text.begin());
  const auto number = parseDigits(text.substr(0, digits));
  if (!number) return core::Error{kDurationForm};
  const auto unit = trimmed(text.substr(digits));
  if (unit.empty()) {
    if (*number == 0) return std::chrono::milliseconds(0);
    return core::Error{std::string("the unit is missing; ") + kDurationForm};
  }
  for (const auto& [name, milliseconds] : kUnits) {
    if (name != unit) continue;
    if (*number > static_cast<std::uint64_t>(kLongest / milliseconds)) {
      return core::Error{"give a duration below 100 years"};
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(*number) * milliseconds);
  }
  return core::Error{kDurationForm};
}

std::string Milliseconds::format(std::chrono::milliseconds value) {
  if (value.count() == 0) return "0";
  for (const auto& [name, milliseconds] : kUnits) {
    if (value.count() % milliseconds == 0) {
      return std::to_string(value.count() / milliseconds) + std::string(name);
    }
  }
  return {};
}

core::Result<std::string> Host::parse(std::string_view text) {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::string host(bracketed ? text.substr(1, text.size() - 2) : text);
  if (bracketed || host.find(':') != std::string::npos) {
    Poco::Net::IPAddress address;
    if (!hasOnlyGraphicAscii(host) || !Poco::Net::IPAddress::tryParse(host, address)) {
      return core::Error{kHostForm};
    }
    return host;
  }
  const bool plain = std::all_of(host.begin(), host.end(), isHostCharacter);
  if (!plain || host.empty() || host.size() > 253) return core::Error{kHostForm};
  return host;
}

core::Result<std::optional<HostAndPort>> Listen::parse(std::string_view text) {
  if (text.empty()) return std::optional<HostAndPort>();
  auto address = hostAndPort(text);
  if (!address) return core::Error{kListenForm};
  return address;
}

std::string Listen::format(const std::optional<HostAndPort>& value) {
  return value ? withPort(*value) : std::string();
}

core::Result<std::vector<HostAndPort>> Hosts::parse(std::string_view text) {
  std::vector<HostAndPort> hosts;
  for (const auto part : betweenCommas(text)) {
    if (auto alone = Host::parse(part); alone) {
      hosts.push_back({std::move(alone).value(), kMariadbPort});
    } else if (auto address = hostAndPort(part)) {
      hosts.push_back(std::move(*address));
    } else {
      return core::Error{kHostsForm};
    }
  }
  return hosts;
}

std::string Hosts::format(const std::vector<HostAndPort>& value) {
  std::string text;
  for (const auto& host : value) text += (text.empty() ? "" : ", ") + withPort(host);
  return text;
}

core::Result<std::string> Text::parse(std::string_view text) {
  if (text.empty()) return core::Error{"give a value"};
  return std::string(text);
}

core::Result<std::string> DomainJid::parse(std::string_view text) {
  if (!isDomain(text) || !xmpp::Jid::parse(text)) {
    return core::Error{
        "give the component's name, which is a domain such as push.example.org: nothing before an @, nothing "
        "after a /"};
  }
  return std::string(text);
}

core::Result<std::vector<std::string>> Domains::parse(std::string_view text) {
  std::vector<std::string> domains;
  for (const auto domain : betweenCommas(text)) {
    if (!isDomain(domain)) {
      return core::Error{"give domains with commas between them, such as example.org, example.net"};
    }
    domains.push_back(xmpp::comparableDomain(domain));
  }
  std::sort(domains.begin(), domains.end());
  domains.erase(std::unique(domains.begin(), domains.end()), domains.end());
  return domains;
}

std::string Domains::format(const std::vector<std::string>& value) {
  std::string text;
  for (const auto& domain : value) text += (text.empty() ? "" : ", ") + domain;
  return text;
}

core::Result<core::Secret> SecretText::parse(std::string_view text) {
  if (text.empty()) return core::Error{"give a value"};
  return core::Secret(std::string(text));
}

core::Result<std::filesystem::path> Path::parse(std::string_view text) {
  const bool printable =
      std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
  if (text.empty() || !printable) return core::Error{"give a path"};
  return std::filesystem::path(text);
}

core::Result<std::string> Endpoint::parse(std::string_view text) {
  if (!hasOnlyGraphicAscii(text)) return core::Error{kEndpointForm};
  try {
    const Poco::URI uri{std::string(text)};
    const bool web = uri.getScheme() == "https" || uri.getScheme() == "http";
    const bool extra = !uri.getUserInfo().empty() || !uri.getRawQuery().empty() || !uri.getFragment().empty();
    if (!web || extra || !Host::parse(uri.getHost()) || uri.getPort() == 0) return core::Error{kEndpointForm};
    std::string endpoint(text);
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
  } catch (const Poco::Exception&) {
    return core::Error{kEndpointForm};
  }
}

core::Result<core::Secret> Proxy::parse(std::string_view text) {
  if (text == "none") return core::Secret();
  if (!hasOnlyGraphicAscii(text)) return core::Error{kProxyForm};
  try {
    const Poco::URI uri{std::string(text)};
    const std::string path = uri.getPathEtc();
    const bool extra = !path.empty() && path != "/";
    if (uri.getScheme() != "http" || extra || !Host::parse(uri.getHost()) || uri.getPort() == 0) {
      return core::Error{kProxyForm};
    }
    std::string proxy(text);
    if (proxy.ends_with('/')) proxy.pop_back();
    return core::Secret(std::move(proxy));
  } catch (const Poco::Exception&) {
    return core::Error{kProxyForm};
  }
}

}  // namespace p2::settings::codec
