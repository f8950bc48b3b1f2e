#pragma once

#include "p2/core/Result.h"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace p2::lmdb {

// Files in a store's directory.

inline constexpr const char* kDataFile = "data.mdb";
inline constexpr const char* kReadersFile = "lock.mdb";  ///< LMDB's own: reader slots and mutexes.

/// Reads a store's file from its first byte to its end, or as far as `atMost`, unless `stops()`. Gives how
/// many bytes there were, 0 if it cannot be opened; an error, in an operator's words, if the system cannot
/// read some of them, which in the memory map would end the program. Blocks on the disk.
core::Result<std::uint64_t> readThrough(
    const std::filesystem::path& file, std::uint64_t atMost,
    const std::function<bool()>& stops = [] { return false; });

}  // namespace p2::lmdb
