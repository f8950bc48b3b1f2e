#include "p2/lmdb/FileSystem.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <linux/magic.h>

using namespace p2::lmdb;

TEST_CASE("File systems of other machines are told from a machine's own") {
  CHECK(unfitFileSystemNumbered(NFS_SUPER_MAGIC) == "NFS");
  CHECK(unfitFileSystemNumbered(SMB_SUPER_MAGIC) == "SMB");
  CHECK(unfitFileSystemNumbered(V9FS_MAGIC) == "9p");
  // As a signed long of 32 bits and of 64 bits has it.
  CHECK(unfitFileSystemNumbered(0xFF534D42U) == "CIFS");
  CHECK(unfitFileSystemNumbered(0xFFFFFFFFFF534D42U) == "CIFS");
  CHECK(unfitFileSystemNumbered(0x65735546U) == "FUSE");
  for (const std::uint64_t own : std::initializer_list<std::uint64_t>{
           EXT4_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC, XFS_SUPER_MAGIC}) {
    CHECK(unfitFileSystemNumbered(own).empty());
  }
}

TEST_CASE("A store that is not there yet is looked for in the directory above it") {
  CHECK(unfitFileSystem("/proc/nowhere/at/all").empty());
  const p2::test::TemporaryDirectory directory;
  CHECK(unfitFileSystem(directory.path() / "a" / "b") == unfitFileSystem(directory.path()));
  CHECK(unfitFileSystemText("/mnt/store", "NFS").find("/mnt/store lies on NFS") == 0);
}
