#pragma once

#include "p2/settings/Parser.h"

#include <filesystem>
#include <optional>
#include <vector>

namespace p2::settings {

/// This process's environment: the variables that begin with `P2_`, and HTTPS_PROXY in either case.
Environment processEnvironment();

/// Where the settings are looked for when no `--config` is given: /etc/p2/p2.properties, then beside
/// `binary`.
std::vector<std::filesystem::path> settingsLocations(const std::filesystem::path& binary);

/// Reads a regular file; blocks on the disk. The error completes "The file …". Thread-safe.
core::Result<FileContent> readFile(const std::filesystem::path& path, std::size_t limit);

struct LoadedSettings : ParsedSettings {
  std::filesystem::path file;  ///< What was read; empty if there is no file.
};

/// Reads `config` if given, else the first of `locations` that exists, and parses it. Without any file the
/// environment alone will do if it has P2_ variables (containers); else the fault says where p2 looked.
/// Relative paths in the environment begin where the process was at the first call, before a daemon leaves
/// it. Blocks on the disk.
LoadedSettings load(const std::optional<std::filesystem::path>& config,
                    const std::vector<std::filesystem::path>& locations, const Environment& environment,
                    const ReadFile& read = readFile);

}  // namespace p2::settings
