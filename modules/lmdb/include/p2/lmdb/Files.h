#pragma once

namespace p2::lmdb {

// Files in a store's directory.

inline constexpr const char* kDataFile = "data.mdb";
inline constexpr const char* kReadersFile = "lock.mdb";  ///< LMDB's own: reader slots and mutexes.

}  // namespace p2::lmdb
