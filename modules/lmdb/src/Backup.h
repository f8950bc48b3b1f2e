#pragma once

#include "Environment.h"
#include "p2/core/Result.h"

#include <filesystem>

namespace p2::lmdb {

/// Writes a copy of the environment into `directory` as Store::backup() says: under another name first, so
/// that what has the right name is always whole.
core::Result<void> backupInto(Environment& environment, const std::filesystem::path& directory);

}  // namespace p2::lmdb
