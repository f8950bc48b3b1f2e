#pragma once

#include "p2/core/Result.h"
#include "p2/core/Secret.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace p2::http {

/// An HTTP proxy that opens tunnels with CONNECT (RFC 9110 §9.3.6). A value.
struct Proxy {
  std::string host;
  std::uint16_t port = 8080;
  std::string user;  ///< Empty: the proxy asks for no credentials.
  core::Secret password;
  std::vector<std::string> exceptions;  ///< Hosts and domains that are reached directly; `*` is every host.

  /// Reads `[http://][user:password@]host[:port]`, user and password percent-encoded. Error: what is wrong,
  /// as a clause that follows the name of the setting, without the text itself, which may hold a password.
  static core::Result<Proxy> parse(std::string_view text);

  using Lookup = std::function<const char*(const char*)>;
  /// The proxy of HTTPS_PROXY or https_proxy with the exceptions of NO_PROXY or no_proxy; nothing if they are
  /// not set. `lookup` is std::getenv in the daemon. Error: names the variable.
  static core::Result<std::optional<Proxy>> fromEnvironment(const Lookup& lookup);

  /// Whether connections to `target` go through this proxy.
  bool appliesTo(std::string_view target) const;
};

}  // namespace p2::http
