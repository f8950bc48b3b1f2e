#pragma once

#include <string>

namespace p2::store {

/// The version of libpsl that the program runs with, such as `0.21.2`. Thread-safe.
std::string libraryVersion();

}  // namespace p2::store
