#pragma once

#include "p2/core/Result.h"

#include <filesystem>
#include <string>

namespace p2::process {

/// If this process is root's and `store` belongs to somebody else, becomes that user for good, as the daemon
/// runs as it: files that root makes there would be out of the daemon's reach. Gives that user's name, or an
/// empty one if nothing changed. Call it before the first thread.
core::Result<std::string> becomeOwnerOf(const std::filesystem::path& store);

}  // namespace p2::process
