#pragma once

#include "p2/core/Secret.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace p2::settings {

enum class Tls { none, direct };
/// Where registrations are kept.
enum class StoreKind { lmdb, mariadb };
/// `verified`: the certificate must be of the host's name and signed by an authority.
enum class DatabaseTls { none, verified };
/// `automatic` is high for a notification that announces a body, else normal.
enum class Priority { high, normal, automatic };
/// The values are those of Poco::Message::Priority.
enum class LogLevel : int {
  fatal = 1,
  critical = 2,
  error = 3,
  warning = 4,
  notice = 5,
  information = 6,
  debug = 7,
  trace = 8,
};

struct HostAndPort {
  std::string host;  ///< A name or an address; IPv6 without brackets.
  std::uint16_t port = 0;
};

/// Everything that an operator can set, checked. Filled by parse() alone and not changed afterwards; a reload
/// makes a second one. The keys, their defaults and units are documented in p2.properties and listed in
/// Keys.cpp. Immutable.
struct Settings {
  struct Xmpp {
    std::string host;  ///< A name or an address; IPv6 without brackets.
    std::uint16_t port = 0;
    std::string jid;                         ///< A domain, as written.
    core::Secret sharedSecret;               ///< From the key or from the file; never empty.
    std::filesystem::path sharedSecretFile;  ///< Where it came from, if from a file.
    Tls tls = Tls::none;
    std::filesystem::path caFile;  ///< Empty: the system's.
    std::size_t maxStanzaSize = 0;
    std::size_t connections = 0;
  };

  struct Store {
    /// With which database they are reached, if `kind` says so.
    struct Mariadb {
      std::vector<HostAndPort> hosts;  ///< At least one; the first that can serve is used.
      std::string database;
      std::string user;
      core::Secret password;               ///< From the key or from the file; empty only if not needed.
      std::filesystem::path passwordFile;  ///< Where it came from, if from a file.
      DatabaseTls tls = DatabaseTls::none;
      std::filesystem::path caFile;  ///< Empty: the system's.
      std::size_t connections = 0;   ///< That look up.
      std::chrono::seconds timeout{0};
    };

    std::filesystem::path path;  ///< Of the registrations in LMDB, and of the control socket.
    StoreKind kind = StoreKind::lmdb;
    std::chrono::seconds expireAfter{0};  ///< 0: never.
    bool keepDomain = true;               ///< Whether registrations are stored with their domain.
    Mariadb mariadb = {};
  };

  struct Fcm {
    std::filesystem::path serviceAccountFile;  ///< Set: HTTP v1. Empty: the legacy API with authKey.
    core::Secret authKey;                      ///< Empty: none.
    std::string endpoint;                      ///< `https://host[:port][/path]`, no slash at the end.
    std::filesystem::path caFile;              ///< Empty: the system's.
    /// `http://[user:password@]host[:port]`, or empty: none. From HTTPS_PROXY if the key is not set. A secret
    /// because of the password.
    core::Secret proxy;
    Priority priority = Priority::high;
    bool collapse = false;
    std::optional<std::chrono::seconds> ttl;  ///< Nothing: FCM's own, 4 weeks.
    std::size_t connections = 0;
    std::chrono::milliseconds timeout{0};
    /// From FCM's first verdict that a target is gone to the one that is believed; 0: the first one is.
    std::chrono::milliseconds goneAfter{0};
  };

  struct Push {
    std::size_t queue = 0;
    std::chrono::milliseconds deadline{0};
    std::chrono::milliseconds spacing{0};  ///< 0: none.
  };

  struct Limits {
    std::size_t registrationsPerAccount = 0;  ///< In an hour; 0: no limit.
    std::size_t registrationsPerMinute = 0;   ///< Of one domain; 0: no limit.
    std::size_t newRegistrationsPerHour = 0;  ///< Of all domains; 0: no limit.
    std::size_t pushesPerSecond = 0;          ///< Of one domain; 0: no limit.
    std::size_t unknownPerHour = 0;           ///< Of one domain; 0: no limit.
    /// From the first push for an unknown node to the one that is told so; 0: the first one is.
    std::chrono::milliseconds unknownAfter{0};
    /// Sorted, each in xmpp::comparableDomain's form. Empty: all are allowed.
    std::vector<std::string> allowDomains;
    std::vector<std::string> denyDomains;  ///< Likewise; wins over allowDomains.

    /// How many one that was quiet may do at once. An account: three hours' worth, as it may have a
    /// registration for each of its channels. A domain: ten seconds' pushes, as a server that comes back
    /// sends what it held.
    std::size_t accountBurst() const noexcept { return registrationsPerAccount * 3; }
    std::size_t pushBurst() const noexcept { return pushesPerSecond * 10; }
  };

  struct Http {
    std::optional<HostAndPort> listen;  ///< Nothing: off.
  };

  struct Logging {
    LogLevel level = LogLevel::information;
    /// `logging.loggers.*`, `logging.formatters.*` and `logging.channels.*` as they stand, with their whole
    /// names, for Poco's LoggingSubsystem.
    std::map<std::string, std::string> poco;
  };

  Xmpp xmpp;
  Store store;
  Fcm fcm;
  Push push;
  Limits limits;
  Http http;
  Logging logging;
};

}  // namespace p2::settings
