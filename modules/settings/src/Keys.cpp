#include "p2/settings/Keys.h"

#include "p2/logging/Keys.h"
#include "p2/settings/Codecs.h"
#include "p2/settings/Instance.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

namespace p2::settings {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Key::Kind;

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 86400 * kSecond;

/// `Way`: the pointers to members that lead from the settings to the value.
template <class Codec, auto... Way>
core::Result<void> set(Settings& settings, std::string_view text) {
  auto parsed = Codec::parse(text);
  if (!parsed) return core::Error{parsed.error()};
  (settings.*....*Way) = std::move(parsed).value();
  return {};
}

template <class Codec, auto... Way>
std::string get(const Settings& settings) {
  return Codec::format((settings.*....*Way));
}

/// A row of the table: SECTION.MEMBER of the settings, written as CODEC says. A macro, since only that names
/// key and member once.
#define P2_KEY(SECTION, STRUCT, MEMBER, FALLBACK, KIND, LIVE, CODEC, ...)                         \
  Key {                                                                                           \
#SECTION "." #MEMBER, FALLBACK, KIND, LIVE, &set < CODEC, &Settings::SECTION,                 \
        &Settings::STRUCT::MEMBER>, &get < CODEC, &Settings::SECTION, &Settings::STRUCT::MEMBER>, \
        __VA_ARGS__                                                                               \
  }

/// The same for a key of store.mariadb.
#define P2_MARIADB_KEY(MEMBER, FALLBACK, KIND, CODEC, ...)                                           \
  Key {                                                                                              \
    "store.mariadb." #MEMBER, FALLBACK, KIND, kRestart,                                              \
        &set<CODEC, &Settings::store, &Settings::Store::mariadb, &Settings::Store::Mariadb::MEMBER>, \
        &get<CODEC, &Settings::store, &Settings::Store::mariadb, &Settings::Store::Mariadb::MEMBER>, \
        __VA_ARGS__                                                                                  \
  }

constexpr bool kLive = true;
constexpr bool kRestart = false;

using StanzaSize = codec::Number<std::size_t, 10000, 16777216>;  // RFC 6120 §13.12 asks for 10000 at least
using Streams = codec::Number<std::size_t, 1, 16>;
using Connections = codec::Number<std::size_t, 1, 10000>;
using Queue = codec::Number<std::size_t, 1, 10000000>;
using Rate = codec::Number<std::size_t, 0, 10000000>;
using Expiry = codec::Duration<seconds, 0, 36500 * kDay>;
using Ttl = codec::Optional<codec::Duration<seconds, 0, 28 * kDay>, seconds>;
using Timeout = codec::Duration<milliseconds, 100, 300 * kSecond>;
using Grace = codec::Duration<milliseconds, 0, 30 * kDay>;
using Deadline = codec::Duration<milliseconds, 100, 30 * kSecond>;  // ejabberd waits for 32 s
using Spacing = codec::Duration<milliseconds, 0, 10 * kSecond>;
using TlsName = codec::Choice<codec::kTlsNames>;
using StoreKindName = codec::Choice<codec::kStoreKindNames>;
using DatabaseTlsName = codec::Choice<codec::kDatabaseTlsNames>;
using DatabaseConnections = codec::Number<std::size_t, 1, 64>;
using DatabaseTimeout = codec::Duration<seconds, kSecond, 30 * kSecond>;
using PriorityName = codec::Choice<codec::kPriorityNames>;
using LogLevelName = codec::Choice<codec::kLogLevelNames>;

// clang-format off
constexpr std::array kKeys{
    P2_KEY(xmpp, Xmpp, jid, "", Kind::value, kRestart, codec::DomainJid,
           "the component's name", "P2_JABBER_ID", "jid"),
    P2_KEY(xmpp, Xmpp, sharedSecret, "", Kind::secret, kRestart, codec::SecretText,
           "the secret shared with the XMPP server", "P2_SHARED_SECRET", "sharedSecret"),
    P2_KEY(xmpp, Xmpp, sharedSecretFile, "", Kind::secretFile, kRestart, codec::Path,
           "a file that holds that secret"),
    P2_KEY(fcm, Fcm, serviceAccountFile, "", Kind::secretFile, kLive, codec::Path,
           "Firebase's key for p2", "P2_SERVICE_ACCOUNT_FILE", "fcm.serviceAccountFile"),
    P2_KEY(xmpp, Xmpp, host, "127.0.0.1", Kind::value, kRestart, codec::Host,
           "where the XMPP server runs", "P2_HOSTNAME", "host"),
    P2_KEY(xmpp, Xmpp, port, "5347", Kind::value, kRestart, codec::Port,
           "the XMPP server's port for components", "P2_PORT", "port"),
    P2_KEY(xmpp, Xmpp, tls, "none", Kind::value, kRestart, TlsName,
           "encryption of the connection to the XMPP server"),
    P2_KEY(xmpp, Xmpp, caFile, "", Kind::file, kRestart, codec::Path,
           "the authorities trusted for the XMPP server"),
    P2_KEY(xmpp, Xmpp, maxStanzaSize, "262144", Kind::value, kRestart, StanzaSize,
           "the largest stanza accepted, in bytes"),
    P2_KEY(xmpp, Xmpp, connections, "1", Kind::value, kRestart, Streams,
           "connections to the XMPP server at a time"),
    P2_KEY(store, Store, path, Instance::kStore, Kind::path, kRestart, codec::Path,
           "the directory of the registrations"),
    P2_KEY(store, Store, kind, "lmdb", Kind::value, kRestart, StoreKindName,
           "whether registrations are in that directory or in MariaDB"),
    P2_KEY(store, Store, expireAfter, "0", Kind::value, kLive, Expiry,
           "when a registration that is not renewed is removed"),
    P2_KEY(store, Store, keepDomain, "true", Kind::value, kRestart, codec::Boolean,
           "whether registrations are stored with their domain"),
    P2_MARIADB_KEY(hosts, "127.0.0.1:3306", Kind::value, codec::Hosts,
                   "where MariaDB runs; the first that can serve is used"),
    P2_MARIADB_KEY(database, "p2", Kind::value, codec::Text,
                   "the database with the table of registrations"),
    P2_MARIADB_KEY(user, "p2", Kind::value, codec::Text,
                   "as whom p2 logs in there"),
    P2_MARIADB_KEY(password, "", Kind::secret, codec::SecretText,
                   "that user's password"),
    P2_MARIADB_KEY(passwordFile, "", Kind::secretFile, codec::Path,
                   "a file that holds that password"),
    P2_MARIADB_KEY(tls, "none", Kind::value, DatabaseTlsName,
                   "encryption of the connections to MariaDB"),
    P2_MARIADB_KEY(caFile, "", Kind::file, codec::Path,
                   "the authorities trusted for MariaDB"),
    P2_MARIADB_KEY(connections, "4", Kind::value, DatabaseConnections,
                   "connections that look registrations up"),
    P2_MARIADB_KEY(timeout, "5s", Kind::value, DatabaseTimeout,
                   "how long one statement may take"),
    P2_KEY(fcm, Fcm, priority, "high", Kind::value, kLive, PriorityName,
           "whether a push wakes a sleeping phone"),
    P2_KEY(fcm, Fcm, collapse, "true", Kind::value, kLive, codec::Boolean,
           "whether a newer push replaces an undelivered one", "", "fcm.collapse"),
    P2_KEY(fcm, Fcm, ttl, "", Kind::value, kLive, Ttl,
           "how long Google keeps a push for a phone that is off"),
    P2_KEY(fcm, Fcm, connections, "256", Kind::value, kLive, Connections,
           "connections to Google at most"),
    P2_KEY(fcm, Fcm, timeout, "15s", Kind::value, kLive, Timeout,
           "how long one request to Google may take"),
    P2_KEY(fcm, Fcm, goneAfter, "1h", Kind::value, kLive, Grace,
           "how long Google must call a phone gone before it is believed"),
    P2_KEY(fcm, Fcm, proxy, "", Kind::secret, kLive, codec::Proxy,
           "the HTTP proxy on the way to Google"),
    P2_KEY(fcm, Fcm, caFile, "", Kind::file, kLive, codec::Path,
           "the authorities trusted for Google"),
    P2_KEY(fcm, Fcm, endpoint, "https://fcm.googleapis.com", Kind::value, kLive, codec::Endpoint,
           "the push service's address"),
    P2_KEY(fcm, Fcm, authKey, "", Kind::secret, kLive, codec::SecretText,
           "the key of the legacy interface", "", "fcm.authKey"),
    P2_KEY(push, Push, queue, "20000", Kind::value, kLive, Queue,
           "pushes waiting at most"),
    P2_KEY(push, Push, deadline, "25s", Kind::value, kLive, Deadline,
           "when the XMPP server gets its answer at the latest"),
    P2_KEY(push, Push, spacing, "1s", Kind::value, kLive, Spacing,
           "from one message for a phone to the next"),
    P2_KEY(limits, Limits, registrationsPerAccount, "30", Kind::value, kLive, Rate,
           "registrations of one account in an hour"),
    P2_KEY(limits, Limits, registrationsPerMinute, "6000", Kind::value, kLive, Rate,
           "registrations of one domain in a minute"),
    P2_KEY(limits, Limits, newRegistrationsPerHour, "100000", Kind::value, kLive, Rate,
           "registrations in an hour that are new, of all domains"),
    P2_KEY(limits, Limits, pushesPerSecond, "2000", Kind::value, kLive, Rate,
           "pushes of one domain in a second"),
    P2_KEY(limits, Limits, unknownPerHour, "10", Kind::value, kLive, Rate,
           "pushes of one domain in an hour that are told to be for nobody"),
    P2_KEY(limits, Limits, unknownAfter, "1h", Kind::value, kLive, Grace,
           "how long pushes must have been for nobody before that is told"),
    P2_KEY(limits, Limits, allowDomains, "", Kind::value, kLive, codec::Domains,
           "the only domains served"),
    P2_KEY(limits, Limits, denyDomains, "", Kind::value, kLive, codec::Domains,
           "domains not served"),
    P2_KEY(http, Http, listen, "127.0.0.1:9357", Kind::value, kRestart, codec::Listen,
           "where metrics, health and the status page are served"),
    P2_KEY(logging, Logging, level, "information", Kind::value, kLive, LogLevelName,
           "how much is logged", "", "debug"),
};
// clang-format on
#undef P2_KEY
#undef P2_MARIADB_KEY

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equalIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

/// Levenshtein's distance, ignoring case.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({changed, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Key> allKeys() noexcept {
  return kKeys;
}

const Key* findKey(std::string_view name) noexcept {
  const auto* const found =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& key) { return key.name == name; });
  return found == kKeys.end() ? nullptr : found;
}

std::string environmentName(const Key& key) {
  std::string name = "P2_";
  for (const char c : key.name) {
    const bool small = c >= 'a' && c <= 'z';
    name += c == '.' ? '_' : small ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

bool isPocoLoggingKey(std::string_view name) noexcept {
  return name.starts_with(logging::keys::kLoggers) || name.starts_with(logging::keys::kFormatters) ||
         name.starts_with(logging::keys::kChannels);
}

Settings defaultSettings(const Instance& instance) {
  Settings settings;
  for (const auto& key : kKeys) {
    // A default that its own codec refuses would show up in the tests; there is nobody to tell here.
    if (!key.fallback.empty()) (void)key.set(settings, key.fallback);
  }
  settings.store.path = instance.store();
  return settings;
}

std::string_view nearestName(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kLongestWord = 64;
  if (word.empty() || word.size() > kLongestWord) return {};
  for (const auto name : known) {
    const auto lastPart = name.substr(name.rfind('.') + 1);
    if (equalIgnoringCase(word, name) || equalIgnoringCase(word, lastPart)) return name;
  }
  std::string_view nearest;
  std::size_t least = std::clamp<std::size_t>(word.size() / 4, 1, 3) + 1;
  for (const auto name : known) {
    if (const auto edits = distance(word, name); edits < least) {
      least = edits;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace p2::settings
