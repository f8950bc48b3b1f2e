#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace p2::lmdb {

/// What kind of file system `path`, or the nearest directory above it that is there, lies on, if it is one on
/// which LMDB's locks and memory map cannot be trusted: NFS, SMB, 9p, FUSE. Else empty. Blocks on the disk.
std::string unfitFileSystem(std::filesystem::path path);

/// The same by the kernel's number of the file system. Pure.
std::string unfitFileSystemNumbered(std::uint64_t number);

/// What an operator is told of it.
std::string unfitFileSystemText(const std::filesystem::path& path, const std::string& kind);

}  // namespace p2::lmdb
