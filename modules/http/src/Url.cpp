#include "p2/http/Url.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace p2::http {

namespace {

constexpr std::string_view kScheme = "https://";

bool isHostCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
}

bool isAddressCharacter(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '.';
}

bool hasScheme(std::string_view text) {
  return text.size() >= kScheme.size() &&
         std::equal(kScheme.begin(), kScheme.end(), text.begin(), [](char expected, char c) {
           return expected == std::tolower(static_cast<unsigned char>(c));
         });
}

std::optional<std::uint16_t> parsePort(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool isPathCharacter(char c) {
  return c > ' ' && c < 0x7f && c != '?' && c != '#';
}

/// `host[:port]`, the host perhaps an IPv6 address in brackets.
core::Result<void> takeAuthority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return core::Error{"must not hold a user name"};
  const bool bracketed = authority.starts_with('[');
  const auto hostEnd = bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (hostEnd == std::string_view::npos) return core::Error{"has a bracket that is not closed"};
  url.host = bracketed ? authority.substr(1, hostEnd - 1) : authority.substr(0, hostEnd);
  if (url.host.empty()) return core::Error{"names no host"};
  if (!std::all_of(url.host.begin(), url.host.end(), bracketed ? isAddressCharacter : isHostCharacter)) {
    return core::Error{"names a host with characters that a host cannot have"};
  }

  const std::string_view rest = authority.substr(hostEnd + (bracketed ? 1 : 0));
  if (rest.empty()) return {};
  const auto port = rest.front() == ':' ? parsePort(rest.substr(1)) : std::nullopt;
  if (!port) return core::Error{"has a port that is not a number from 1 to 65535"};
  url.port = *port;
  return {};
}

}  // namespace

core::Result<Url> Url::parse(std::string_view text) {
  if (!hasScheme(text)) return core::Error{"must begin with https://"};
  text.remove_prefix(kScheme.size());
  const auto slash = std::min(text.find('/'), text.size());
  const std::string_view authority = text.substr(0, slash);

  Url url;
  url.path = text.substr(slash);
  if (!std::all_of(url.path.begin(), url.path.end(), isPathCharacter)) {
    return core::Error{"must not have a query, a fragment or blanks"};
  }
  if (auto taken = takeAuthority(authority, url); !taken) return core::Error{taken.error()};
  return url;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != 443) text += ':' + std::to_string(port);
  return text;
}

}  // namespace p2::http
