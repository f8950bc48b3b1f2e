#include "p2/store/RegistrableDomain.h"

#include <algorithm>
#include <libpsl.h>

namespace p2::store {

namespace {

/// An IPv6 address stands in brackets (RFC 7622 §3.2), and only an IPv4 address ends with a number.
bool isAddress(std::string_view domain) {
  if (domain.starts_with('[')) return true;
  const auto last = domain.substr(domain.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view registrableDomain(const std::string& domain) {
  if (isAddress(domain)) return domain;
  const char* registrable = psl_registrable_domain(psl_builtin(), domain.c_str());
  return registrable == nullptr ? std::string_view(domain) : std::string_view(registrable);
}

}  // namespace p2::store
