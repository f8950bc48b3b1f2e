#pragma once

#include <filesystem>

namespace p2::core {

// To be used instead of std::filesystem's own questions: on a 32-bit machine the C++ library that is linked
// in may know times of 32 bits only, and then has no answer for what was changed after January 2038. false
// also if the file cannot be looked at. Thread-safe; block on the disk.

/// Whether `path`, or what it leads to, is a directory.
bool isDirectory(const std::filesystem::path& path) noexcept;
/// Whether `path`, or what it leads to, is a regular file.
bool isRegularFile(const std::filesystem::path& path) noexcept;
/// Whether `path` itself is a symbolic link.
bool isSymbolicLink(const std::filesystem::path& path) noexcept;

}  // namespace p2::core
