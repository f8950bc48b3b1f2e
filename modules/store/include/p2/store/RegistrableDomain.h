#pragma once

#include <string>
#include <string_view>

namespace p2::store {

/// The part of a domain that somebody had to register: `example.co.uk` of `im.chat.example.co.uk`. Whoever
/// owns that makes as many names below it as he likes, so limits count them as one, and in queues they are
/// one flow. By the Mozilla Foundation's list of public suffixes, with its private part: the names below
/// `github.io` or `duckdns.org` belong to different people, none of whom may use up what the others need.
///
/// The whole name for what has no such part: an address, a single label, a public suffix. Of a name below a
/// top-level domain that is not on the list, the last two labels.
///
/// `domain`: in lower case and in Unicode; the result points into it. Thread-safe.
std::string_view registrableDomain(const std::string& domain);

/// The flow of a queue to which belongs what is asked by the domain, in the same form. Thread-safe.
inline std::string flowOf(const std::string& domain) {
  return std::string(registrableDomain(domain));
}

}  // namespace p2::store
