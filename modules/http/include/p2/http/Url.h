#pragma once

#include "p2/core/Result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace p2::http {

/// Where an https service is. A value.
struct Url {
  std::string host;  ///< A name or an address; an IPv6 address without its brackets.
  std::uint16_t port = 443;
  std::string path;  ///< Empty, or begins with a slash. Kept as it was written.

  /// Reads `https://host[:port][/path]`. Error: what is wrong with `text`, as a clause that follows the name
  /// of the setting ("must begin with https://"). User names, queries and fragments are refused.
  static core::Result<Url> parse(std::string_view text);

  /// `host` or `host:port` as the Host header has it, with brackets around an IPv6 address.
  std::string authority() const;

  bool operator==(const Url&) const = default;
};

}  // namespace p2::http
