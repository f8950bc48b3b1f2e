#include "Staging.h"

#include "Directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <vector>

namespace p2::store {

namespace {

using core::Error;
using core::Result;
using std::filesystem::path;

constexpr const char* kDirectory = "import.partial";

void removeAt(const path& directory) {
  for (const char* name : {kDataFile, kReadersFile}) ::unlink((directory / name).c_str());
  ::rmdir(directory.c_str());
}

int writeAll(int file, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(file, bytes, size);
    if (written < 0 && errno != EINTR) return errno;
    bytes += std::max<ssize_t>(written, 0);
    size -= static_cast<std::size_t>(std::max<ssize_t>(written, 0));
  }
  return 0;
}

/// Copies the first `bytes`. Not through the map, nor by LMDB, which would take as much memory.
int copyFile(const path& from, const path& to, std::uint64_t bytes) {
  constexpr std::size_t kPiece = std::size_t{256} << 10U;
  const Descriptor in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in.valid()) return errno;
  const Descriptor out(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!out.valid()) return errno;
  std::vector<char> piece(kPiece);
  while (bytes > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, bytes));
    const ssize_t read = ::read(in.number(), piece.data(), wanted);
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) return read < 0 ? errno : EIO;
    if (const int code = writeAll(out.number(), piece.data(), static_cast<std::size_t>(read)); code != 0) {
      return code;
    }
    bytes -= static_cast<std::uint64_t>(read);
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

Result<void> Staging::publish() {
  if (auto synced = _copy->sync(); !synced.ok()) return synced;
  _copy.reset();
  return _store.replaceFile(_directory / kDataFile);
}

}  // namespace p2::store
