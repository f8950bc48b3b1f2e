#include "p2/store/Library.h"

#include <libpsl.h>

namespace p2::store {

std::string libraryVersion() {
  // "0.21.2 (+libidn2/2.3.3)"
  const std::string text = psl_get_version();
  return text.substr(0, text.find(' '));
}

}  // namespace p2::store
