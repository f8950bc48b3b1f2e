#pragma once

#include <string>

namespace p2::lmdb {

/// The version of LMDB that the program runs with, such as `0.9.24`. Thread-safe.
std::string libraryVersion();

}  // namespace p2::lmdb
