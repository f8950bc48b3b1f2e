#include "links/LinkedLibraries.h"

#include "p2/http/Library.h"
#include "p2/lmdb/Library.h"
#include "p2/mariadb/Library.h"
#include "p2/store/Library.h"

#include <Poco/Environment.h>

#ifdef P2_STATIC
#include <expat.h>
#include <pcre.h>
#include <zlib.h>
#endif

namespace p2::app {

namespace {

/// Two digits each in hexadecimal: major, minor, patch and what tells releases from previews.
std::string pocoVersion() {
  const auto packed = Poco::Environment::libraryVersion();
  const auto part = [packed](unsigned shift) { return std::to_string(packed >> shift & 0xFFU); };
  return part(24) + '.' + part(16) + '.' + part(8);
}

#ifdef P2_STATIC
/// `expat_2.5.0`, `8.39 2016-06-14`
std::string numberIn(const std::string& text) {
  const auto begin = text.find_first_of("0123456789");
  return text.substr(begin, text.find(' ', begin) - begin);
}
#endif

}  // namespace

std::vector<LinkedLibrary> linkedLibraries() {
  return {
      {"OpenSSL", http::libraryVersion()},
      {"Poco", pocoVersion()},
      {"LMDB", lmdb::libraryVersion()},
      {"MariaDB Connector/C", mariadb::libraryVersion()},
      {"libpsl", store::libraryVersion()},
#ifdef P2_STATIC
      {"Expat", numberIn(XML_ExpatVersion())},
      {"PCRE", numberIn(pcre_version())},
      {"zlib", zlibVersion()},
#endif
  };
}

}  // namespace p2::app
