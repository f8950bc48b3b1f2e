#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// Decodes what follows `xn--` in an A-label into UTF-8 (RFC 3492 §6.2). Nothing if it is not Punycode.
std::optional<std::string> decodePunycode(std::string_view encoded);
/// The other way (RFC 3492 §6.3). Nothing if it is too long for that. REQUIRES: valid UTF-8.
std::optional<std::string> encodePunycode(std::string_view utf8);

}  // namespace p2::xmpp
