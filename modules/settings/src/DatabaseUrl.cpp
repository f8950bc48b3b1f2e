#include "p2/settings/DatabaseUrl.h"

#include "p2/settings/Codecs.h"

#include <Poco/Exception.h>
#include <Poco/URI.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace p2::settings {

namespace {

using Address = Settings::Store::Mariadb;

constexpr const char* kForm =
    "the address of a database is mariadb://USER@HOST:PORT/DATABASE, such as "
    "mariadb://p2@127.0.0.1:3306/push";

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// Takes what stands before the mark off the text; nothing if it has none.
std::optional<std::string_view> takeUpTo(std::string_view& text, char mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return before;
}

bool takePrefix(std::string_view& text, std::string_view prefix) {
  if (lowercase(text.substr(0, prefix.size())) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string decoded(std::string_view text) {
  std::string plain;
  Poco::URI::decode(std::string(text), plain);
  return plain;
}

void takeUser(std::string_view user, Address& address) {
  if (const auto name = takeUpTo(user, ':')) {
    address.user = decoded(*name);
    address.password = core::Secret(decoded(user));
  } else {
    address.user = decoded(user);
  }
}

void takeOption(std::string_view option, Address& address) {
  const auto name = lowercase(takeUpTo(option, '=').value_or(option));
  const auto value = lowercase(option);
  if (name == "user") {
    address.user = decoded(option);
  } else if (name == "password") {
    address.password = core::Secret(decoded(option));
  } else if (name == "serversslcert") {
    address.caFile = decoded(option);
  } else if (name == "usessl" || name == "sslmode") {
    const bool off = value == "false" || value == "0" || value.starts_with("disable");
    address.tls = off ? DatabaseTls::none : DatabaseTls::verified;
  }
}

core::Result<Address> parsed(std::string_view text) {
  static_cast<void>(takePrefix(text, "jdbc:"));
  if (!takePrefix(text, "mariadb://") && !takePrefix(text, "mysql://")) return core::Error{kForm};
  Address address;
  address.connections = 1;
  address.timeout = std::chrono::seconds(30);
  const auto place = takeUpTo(text, '/');
  if (!place) return core::Error{kForm};
  std::string_view hosts = *place;
  if (const auto at = hosts.rfind('@'); at != std::string_view::npos) {
    takeUser(hosts.substr(0, at), address);
    hosts.remove_prefix(at + 1);
  }
  auto read = codec::Hosts::parse(hosts);
  if (!read) return core::Error{kForm};
  address.hosts = std::move(read).value();
  auto database = takeUpTo(text, '?');
  if (!database) std::swap(database.emplace(), text);
  address.database = decoded(*database);
  if (address.database.empty()) return core::Error{kForm};
  while (!text.empty()) {
    auto option = takeUpTo(text, '&');
    if (!option) std::swap(option.emplace(), text);
    takeOption(*option, address);
  }
  return address;
}

}  // namespace

core::Result<Address> parseDatabaseUrl(std::string_view text) {
  try {
    return parsed(text);
  } catch (const Poco::Exception&) {
    return core::Error{kForm};  // what stands behind a percent sign is no number
  }
}

}  // namespace p2::settings
