#pragma once

#include <filesystem>

namespace p2::process {

/// The running program's file, beside which p2.properties may lie; a link to it is followed. Thread-safe.
std::filesystem::path runningBinary();

}  // namespace p2::process
