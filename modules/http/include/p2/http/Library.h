#pragma once

#include <string>

namespace p2::http {

/// The version of OpenSSL that the program runs with, such as `3.0.20`. Thread-safe.
std::string libraryVersion();

}  // namespace p2::http
