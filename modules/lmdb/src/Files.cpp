#include "p2/lmdb/Files.h"

#include "p2/core/Descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>
#include <vector>

namespace p2::lmdb {

namespace {

// In the order of the file, which a disk does best.
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10U;

core::Error unreadable(const std::filesystem::path& file, std::uint64_t from, int code) {
  return {"The store's file " + file.string() + " cannot be read from byte " + std::to_string(from) +
          " on: " + std::generic_category().message(code) +
          ". Its disk, or the file, is damaged: see the system's log (journalctl -k), and restore the store "
          "from a backup."};
}

}  // namespace

core::Result<std::uint64_t> readThrough(const std::filesystem::path& file, std::uint64_t atMost,
                                        const std::function<bool()>& stops) {
  const core::Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.valid()) return std::uint64_t{0};
  // Who stops does not wait for what the system would read ahead.
  ::posix_fadvise(opened.number(), 0, 0, POSIX_FADV_RANDOM);
  std::vector<char> piece(kReadAtOnce);
  std::uint64_t read = 0;
  while (read < atMost && !stops()) {
    const auto got = ::pread(opened.number(), piece.data(), piece.size(), static_cast<off_t>(read));
    if (got < 0) return unreadable(file, read, errno);
    if (got == 0) break;
    read += static_cast<std::uint64_t>(got);
  }
  return read;
}

}  // namespace p2::lmdb
