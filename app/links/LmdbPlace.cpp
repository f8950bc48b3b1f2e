#include "links/LmdbPlace.h"

#include "p2/lmdb/FileSystem.h"
#include "p2/lmdb/Files.h"
#include "p2/lmdb/Store.h"

#include <cstdint>
#include <limits>
#include <sysexits.h>
#include <system_error>
#include <utility>

namespace p2::app {

core::Result<std::unique_ptr<store::RegistrationStore>> LmdbPlace::open(bool forImport) const {
  lmdb::Store::Options options;
  options.path = _path;
  options.keepDomain = _keepDomain;
  options.removeIfUnused = forImport;
  auto opened = lmdb::Store::open(options);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<store::RegistrationStore>(std::move(opened).value());
}

core::Result<std::unique_ptr<const store::RegistrationStore>> LmdbPlace::openReadOnly() const {
  auto opened = lmdb::Store::openReadOnly(_path);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<const store::RegistrationStore>(std::move(opened).value());
}

core::Result<StorePlace::Copy> LmdbPlace::openForBackup() const {
  auto opened = lmdb::Store::openReadOnly(_path);
  if (!opened) return core::Error{opened.error()};
  return Copy([store = std::move(opened).value()](const std::filesystem::path& directory) {
    return store->backup(directory);
  });
}

bool LmdbPlace::isInUse() const {
  return lmdb::Store::isInUse(_path);
}

bool LmdbPlace::exists() const {
  std::error_code unknown;
  return std::filesystem::exists(_path / lmdb::kDataFile, unknown) || unknown;
}

std::vector<std::filesystem::path> LmdbPlace::files() const {
  return {_path, _path / lmdb::kDataFile, _path / lmdb::kReadersFile};
}

core::Result<void> LmdbPlace::readFiles() const {
  const auto read = lmdb::readThrough(_path / lmdb::kDataFile, std::numeric_limits<std::uint64_t>::max());
  if (!read) return core::Error{read.error()};
  return {};
}

std::vector<Remark> LmdbPlace::remarks() const {
  std::error_code unknown;
  const auto kind = lmdb::unfitFileSystem(std::filesystem::absolute(_path, unknown));
  if (kind.empty()) return {};
  return {{Remark::Kind::doubt, lmdb::unfitFileSystemText(_path, kind)}};
}

int LmdbPlace::exitCodeOf(Use use) const {
  switch (use) {
    case Use::start:
    case Use::change:
      return EX_CANTCREAT;
    case Use::read:
    case Use::backup:
      return EX_NOINPUT;
  }
  return EX_SOFTWARE;
}

std::string LmdbPlace::cautionAgainstSecond() const {
  return "that may be an earlier connection of this one, which the server has yet to give up; if it is a "
         "second p2, stop one of them or let them share a store (store.kind = mariadb), for servers drop the "
         "users whom the one that takes over does not know";
}

}  // namespace p2::app
