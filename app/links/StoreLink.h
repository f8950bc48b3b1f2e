#pragma once

#include "p2/core/Result.h"
#include "p2/core/UniqueFunction.h"
#include "p2/settings/Settings.h"
#include "p2/store/RegistrationStore.h"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace p2::app {

/// The store that the settings name. Here, and only here, the program knows how it keeps its registrations.
/// Errors are in an operator's words; all of it blocks on the disk. A value.
class StoreLink {
 public:
  explicit StoreLink(settings::Settings::Store settings) : _settings(std::move(settings)) {}

  /// Opens it for the daemon, or for a command that changes it: one process at a time may have it so.
  core::Result<std::unique_ptr<store::RegistrationStore>> open() const;
  /// The same for an import: a store that this makes is gone again when it is closed, if nothing is in it
  /// then.
  core::Result<std::unique_ptr<store::RegistrationStore>> openForImport() const;
  /// Opens it for reading, beside a daemon or without one. REQUIRES: this process has not opened it already
  /// (that is an error).
  core::Result<std::unique_ptr<const store::RegistrationStore>> openReadOnly() const;
  /// Whether some process has it open for changes. False also where there is none, or this one may not look.
  bool isInUse() const;

  /// Writes a copy, as the store is now, into a directory that must not hold one.
  using Copy = core::UniqueFunction<core::Result<void>(const std::filesystem::path& directory)>;
  /// Opens it for reading, to be copied.
  core::Result<Copy> openForBackup() const;

  /// Whether it is there, even if it cannot be read; also if nobody can say.
  bool exists() const;
  /// What the daemon's user must be able to write, once it is there.
  std::vector<std::filesystem::path> files() const;
  /// Why registrations may be lost where it lies, and what to do; empty if nothing is known against the
  /// place.
  std::string doubt() const;

 private:
  settings::Settings::Store _settings;
};

}  // namespace p2::app
