#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace p2::xmpp {

/// Decodes what follows `xn--` in an A-label into UTF-8 (RFC 3492 §6.2). Nothing if it is not Punycode.
std::optional<std::string> decodePunycode(std::string_view encoded);

}  // namespace p2::xmpp
