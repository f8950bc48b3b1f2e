#include "p2/lmdb/FileSystem.h"

#include <sys/vfs.h>

#include <array>
#include <cstdint>
#include <utility>

namespace p2::lmdb {

namespace {

// Of linux/magic.h, which has not all of them everywhere.
constexpr std::array<std::pair<std::uint32_t, const char*>, 8> kUnfit{{{0x6969U, "NFS"},
                                                                       {0xFF534D42U, "CIFS"},
                                                                       {0xFE534D42U, "SMB"},
                                                                       {0x517BU, "SMB"},
                                                                       {0x01021997U, "9p"},
                                                                       {0x65735546U, "FUSE"},
                                                                       {0x5346414FU, "AFS"},
                                                                       {0x00C36400U, "Ceph"}}};

}  // namespace

std::string unfitFileSystemNumbered(std::uint64_t number) {
  for (const auto& [known, name] : kUnfit) {
    // The kernel gives a long, which has a sign and on some machines 32 bits.
    if (static_cast<std::uint32_t>(number) == known) return name;
  }
  return {};
}

std::string unfitFileSystem(std::filesystem::path path) {
  struct statfs status {};
  while (::statfs(path.c_str(), &status) != 0) {
    if (!path.has_parent_path() || path == path.parent_path()) return {};
    path = path.parent_path();
  }
  return unfitFileSystemNumbered(static_cast<std::uint64_t>(status.f_type));
}

std::string unfitFileSystemText(const std::filesystem::path& path, const std::string& kind) {
  return path.string() + " lies on " + kind +
         ", where neither locks nor mapped memory can be relied on: registrations may be lost. Set "
         "store.path to a directory on a disk of this machine.";
}

}  // namespace p2::lmdb
