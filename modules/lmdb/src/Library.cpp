#include "p2/lmdb/Library.h"

#include <lmdb.h>

namespace p2::lmdb {

std::string libraryVersion() {
  int major = 0;
  int minor = 0;
  int patch = 0;
  (void)mdb_version(&major, &minor, &patch);
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
}

}  // namespace p2::lmdb
