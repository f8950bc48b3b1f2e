#include "p2/transfer/TableDump.h"

#include "p2/xmpp/Jid.h"

#include <Poco/TextIterator.h>
#include <Poco/UTF8Encoding.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

namespace p2::transfer {

namespace {

char unescaped(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case '0':
      return '\0';
    default:
      return c;
  }
}

std::optional<std::string> field(std::string_view raw) {
  if (raw == "NULL" || raw == "\\N") return std::nullopt;
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool escape = raw[i] == '\\' && i + 1 < raw.size();
    text += escape ? unescaped(raw[++i]) : raw[i];
  }
  return text;
}

bool isPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool isUtf8(const std::string& text) {
  const Poco::UTF8Encoding encoding;
  Poco::TextIterator at(text, encoding);
  const Poco::TextIterator end(text);
  while (at != end && *at >= 0) ++at;
  return at == end;
}

/// Whether a domain has only what a domain can have: UTF-8 without `@`, `/`, space and control characters,
/// and something before each dot. An export has none if domains are not kept.
bool isDomain(const std::string& text) {
  if (text.starts_with('.') || text.find("..") != std::string::npos) return false;
  return isUtf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return (c >= '\0' && c <= ' ') || c == '\x7f' || c == '@' || c == '/';
         });
}

/// A number that is no date in words; nothing if there is none.
std::optional<std::int64_t> numberIn(const std::optional<std::string>* field) {
  if (field == nullptr || !*field) return std::nullopt;
  const std::string& text = **field;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  constexpr std::int64_t kLatest = 253402300799;  // the end of the year 9999
  return whole && number >= 0 && number <= kLatest ? std::optional(number) : std::nullopt;
}

constexpr std::string_view kWantedHeader =
    "the first line must name the columns device, domain, token, node and secret (service and channel, too, "
    "if the table has them), as mariadb --batch prints them (without --skip-column-names)";

/// What is wrong with a row whose device and channel are in lower case; null if nothing is.
const char* faultIn(const store::Registration& registration) {
  const auto& key = registration.key;
  const auto& token = registration.target.value.reveal();
  const auto& secret = registration.secret.reveal();
  if (!store::isSha1(key.device)) return "its device is not a SHA-1 in hexadecimal (40 characters)";
  if (!key.channel.empty() && !store::isSha1(key.channel)) {
    return "its channel is neither empty nor a SHA-1 in hexadecimal (40 characters)";
  }
  if (!isDomain(registration.domain)) return "its domain is not a domain";
  if (token.empty() || !isPrintable(token)) return "its token is empty or damaged";
  if (registration.node.empty() || registration.node.size() > store::kMaxNodeBytes ||
      !isPrintable(registration.node)) {
    return "its node is empty or damaged";
  }
  if (secret.empty() || secret.size() > store::kMaxSecretBytes || !isPrintable(secret)) {
    return "its secret is empty or damaged";
  }
  return nullptr;
}

}  // namespace

std::vector<std::optional<std::string>> splitBatchLine(std::string_view line) {
  std::vector<std::optional<std::string>> fields;
  for (;;) {
    const auto end = line.find('\t');
    fields.push_back(field(line.substr(0, end)));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

core::Result<TableDump> TableDump::fromColumns(const Fields& names) {
  TableDump dump;
  dump._width = names.size();
  std::string missing;
  for (std::size_t column = 0; column < kColumns; ++column) {
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& name) {
      return name && lowercase(*name) == kNames[column];
    });
    if (found != names.end()) {
      dump._position[column] = static_cast<std::size_t>(found - names.begin());
    } else if (column < kRequired && missing.empty()) {
      missing = kNames[column];
    }
  }
  const auto known = std::count_if(dump._position.begin(), dump._position.begin() + kind,
                                   [](const auto& position) { return position.has_value(); });
  if (known == 0) return core::Error{std::string(kWantedHeader)};
  if (!missing.empty())
    return core::Error{"the column " + missing + " is missing: " + std::string(kWantedHeader)};
  return dump;
}

core::Result<store::Registration> TableDump::row(Fields fields) const {
  if (fields.size() != _width) {
    return core::Error{"it has " + std::to_string(fields.size()) + " columns instead of " +
                       std::to_string(_width)};
  }
  const auto take = [&](Column column) {
    const auto position = _position[column];
    return position ? std::move(fields[*position]).value_or("") : std::string();
  };
  store::Registration registration;
  readP2Columns(fields, registration);
  const auto name = take(service);
  const auto named = parseService(name.empty() ? store::nameOf(store::Service::fcm) : name);
  if (!named) return core::Error{named.error()};
  registration.key = {named.value(), take(device), take(channel)};
  registration.domain = take(domain);
  if (registration.domain.empty()) return core::Error{"its domain is missing"};
  registration.target.value = core::Secret(take(token));
  registration.node = take(node);
  registration.secret = core::Secret(take(secret));
  return checkedRow(std::move(registration));
}

const std::optional<std::string>* TableDump::find(const Fields& fields, Column column) const {
  const auto position = _position[column];
  return position ? &fields[*position] : nullptr;
}

/// Columns of these names that are somebody else's say nothing.
void TableDump::readP2Columns(const Fields& fields, store::Registration& registration) const {
  const auto* const change = find(fields, changed);
  if (change != nullptr && *change) return;
  if (numberIn(find(fields, kind)) == static_cast<std::int64_t>(core::Target::Kind::installationId)) {
    registration.target.kind = core::Target::Kind::installationId;
  }
  const auto from = numberIn(find(fields, created));
  const auto last = numberIn(find(fields, renewed));
  if (!from || !last) return;
  registration.created = store::Registration::Time(std::chrono::seconds(*from));
  registration.lastRegistered = store::Registration::Time(std::chrono::seconds(*last));
}

core::Result<store::Service> parseService(std::string_view name) {
  if (const auto service = store::serviceNamed(name)) return *service;
  std::string known;
  for (const auto service : store::kServices) {
    known.append(known.empty() ? "neither " : " nor ").append(store::nameOf(service));
  }
  return core::Error{"its service is " + known};
}

core::Result<store::Registration> checkedRow(store::Registration registration) {
  auto& key = registration.key;
  key.device = lowercase(key.device);
  key.channel = lowercase(key.channel);
  if (const auto* const fault = faultIn(registration); fault != nullptr) return core::Error{fault};
  registration.domain = xmpp::comparableDomain(registration.domain);
  return registration;
}

}  // namespace p2::transfer
