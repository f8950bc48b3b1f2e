#pragma once

#include <string>
#include <string_view>

namespace p2::proxy {

/// The part of a domain that somebody had to register: `example.co.uk` of `im.chat.example.co.uk`. Whoever
/// owns that makes as many names below it as he likes, so limits count them as one. By the Mozilla
/// Foundation's list of public suffixes, with its private part: the names below `github.io` or `duckdns.org`
/// belong to different people, none of whom may use up what the others need.
///
/// The whole name for what has no such part: an address, a single label, a public suffix. Of a name below a
/// top-level domain that is not on the list, the last two labels.
///
/// `domain`: in xmpp::comparableDomain's form; the result points into it. Thread-safe.
std::string_view registrableDomain(const std::string& domain);

}  // namespace p2::proxy
