#pragma once

#include <string>

namespace p2::mariadb {

/// The version of MariaDB Connector/C that the program runs with, such as `3.3.19`. Thread-safe.
std::string libraryVersion();

}  // namespace p2::mariadb
