#include "Staging.h"

#include "Directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace p2::lmdb {

namespace {

using core::Error;
using core::Result;
using std::filesystem::path;

constexpr const char* kDirectory = "import.partial";

void removeAt(const path& directory) {
  for (const char* name : {kDataFile, kReadersFile}) ::unlink((directory / name).c_str());
  ::rmdir(directory.c_str());
}

/// Copies the first `bytes`. Not through the map, nor by LMDB, which would take as much memory.
int copyFile(const path& from, const path& to, std::uint64_t bytes) {
  constexpr std::size_t kPiece = std::size_t{256} << 10U;
  const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in.valid()) return errno;
  const Descriptor out(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!out.valid()) return errno;
  std::string piece(kPiece, '\0');
  for (std::uint64_t at = 0; at < bytes;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, bytes - at));
    const ssize_t read = ::pread(in.number(), piece.data(), wanted, static_cast<off_t>(at));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return read < 0 ? errno : EIO;
    const auto got = std::string_view(piece).substr(0, static_cast<std::size_t>(read));
    if (const int code = writeAll(out, got, at); code != 0) return code;
    at += got.size();
  }
  return 0;
}

Result<std::uint64_t> usedBytes(Environment& store) {
  auto transaction = store.read();
  if (!transaction.ok()) return Error{transaction.error()};
  return transaction.value().size().usedBytes;
}

}  // namespace

Result<std::unique_ptr<Staging>> Staging::begin(Environment& store) {
  // Now, and not only when all is done.
  if (const auto alone = keepReadersOut(store.directory()); !alone.ok()) return Error{alone.error()};
  const auto used = usedBytes(store);
  if (!used.ok()) return Error{used.error()};
  std::unique_ptr<Staging> staging(new Staging(store, store.directory() / kDirectory));
  const path& directory = staging->_directory;
  removeAt(directory);  // of an import that could not remove it
  if (auto made = makeDirectory(directory); !made.ok()) return Error{made.error()};
  if (const int code = copyFile(store.directory() / kDataFile, directory / kDataFile, used.value());
      code != 0) {
    return systemError(store.directory(), "be copied for the import", code);
  }
  Environment::Options options;
  options.directory = directory;
  options.staged = true;
  auto copy = Environment::open(options);
  if (!copy.ok()) return Error{copy.error()};
  staging->_copy = std::move(copy).value();
  return staging;
}

void Staging::removeLeftOver(const path& store) {
  removeAt(store / kDirectory);
}

Staging::~Staging() {
  _copy.reset();
  removeAt(_directory);
}

Result<bool> Staging::publish() {
  if (auto synced = _copy->sync(); !synced.ok()) return Error{synced.error()};
  _copy.reset();
  return _store.replaceFile(_directory / kDataFile);
}

}  // namespace p2::lmdb
