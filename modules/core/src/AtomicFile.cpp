#include "p2/core/AtomicFile.h"

#include "p2/core/FileKind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace p2::core {

namespace {

// As many as the system follows.
constexpr int kMostLinks = 40;

/// Where a link leads, whether or not there is anything.
std::filesystem::path targetOf(std::filesystem::path path) {
  std::error_code fault;
  for (int n = 0; n < kMostLinks && isSymbolicLink(path); ++n) {
    path = path.parent_path() / std::filesystem::read_symlink(path, fault);
  }
  return path;
}

}  // namespace

std::unique_ptr<AtomicFile> AtomicFile::create(const std::filesystem::path& path, int& fault) {
  fault = 0;
  struct stat there {};
  const bool inPlace = ::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode);
  const auto target = inPlace ? path : targetOf(path);
  const std::filesystem::path beside = inPlace ? "" : target.string() + ".new";
  if (!inPlace) ::unlink(beside.c_str());
  const int descriptor = inPlace ? ::open(path.c_str(), O_WRONLY | O_CLOEXEC)
                                 : ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    fault = errno;
    return nullptr;
  }
  return std::unique_ptr<AtomicFile>(new AtomicFile(descriptor, beside, target));
}

AtomicFile::AtomicFile(int descriptor, std::filesystem::path beside, std::filesystem::path path)
    : _descriptor(descriptor), _beside(std::move(beside)), _path(std::move(path)) {}

AtomicFile::~AtomicFile() {
  ::close(_descriptor);
  if (!_beside.empty()) ::unlink(_beside.c_str());
}

int AtomicFile::commit() {
  if (_beside.empty()) return 0;
  if (::fsync(_descriptor) != 0 || ::rename(_beside.c_str(), _path.c_str()) != 0) return errno;
  _beside.clear();
  return 0;
}

int writeAll(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace p2::core
