#include "Backup.h"

#include "Directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace p2::lmdb {

namespace {

using core::Result;
using std::filesystem::path;

constexpr const char* kPartialFile = "data.mdb.partial";

int copy(Environment& environment, const path& partial) {
  const Descriptor file(
      ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file.valid()) return errno;
  const int code = environment.copyTo(file.number());
  if (code != 0) return code;
  return ::fsync(file.number()) == 0 ? 0 : errno;
}

int publish(const path& partial, const path& final) {
  if (::rename(partial.c_str(), final.c_str()) != 0) return errno;
  return syncDirectory(final.parent_path()) ? 0 : errno;
}

}  // namespace

Result<void> backupInto(Environment& environment, const path& directory) {
  if (auto made = makeDirectory(directory); !made.ok()) return made;
  const path final = directory / kDataFile;
  if (::access(final.c_str(), F_OK) == 0) {
    return storeError(directory, "is there already: " + final.string() +
                                     " exists. Give the backup a directory of its own.");
  }
  const path partial = directory / kPartialFile;
  int code = copy(environment, partial);
  if (code == 0) code = publish(partial, final);
  if (code == 0) return {};
  ::unlink(partial.c_str());
  return systemError(directory, "be written", code);
}

}  // namespace p2::lmdb
