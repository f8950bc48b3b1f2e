#include "p2/http/Library.h"

#include <openssl/crypto.h>

namespace p2::http {

std::string libraryVersion() {
  // "OpenSSL 3.0.20 7 Apr 2026"
  const std::string text = OpenSSL_version(OPENSSL_VERSION);
  const auto begin = text.find(' ') + 1;
  return text.substr(begin, text.find(' ', begin) - begin);
}

}  // namespace p2::http
