#pragma once

#include "links/StorePlace.h"
#include "p2/core/Result.h"
#include "p2/settings/Settings.h"
#include "p2/store/RegistrationStore.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace p2::app {

/// The store that the settings name. Here, and only here, the program knows how it keeps its registrations.
/// Errors are in an operator's words; all of it blocks on the disk or the network. A value.
class StoreLink {
 public:
  explicit StoreLink(const settings::Settings::Store& settings);

  /// Opens it for the daemon. A database that cannot be reached yet is no error: until it can be, the store
  /// answers with errors.
  core::Result<std::unique_ptr<store::RegistrationStore>> start() const;
  /// Opens it for a command that changes it. In LMDB one process at a time may have it so, or for the daemon.
  core::Result<std::unique_ptr<store::RegistrationStore>> open() const;
  /// The same for an import: a store that this makes is gone again when it is closed, if nothing is in it
  /// then.
  core::Result<std::unique_ptr<store::RegistrationStore>> openForImport() const;
  /// Opens it for reading, beside a daemon or without one. REQUIRES: this process has not opened it already
  /// (that is an error).
  core::Result<std::unique_ptr<const store::RegistrationStore>> openReadOnly() const;
  /// Opens it for reading, to be copied. An error where a database has its own way to be copied.
  core::Result<StorePlace::Copy> openForBackup() const;

  /// Whether some process has it open for changes and nobody else may have it. False also where there is
  /// none, or this one may not look.
  bool isInUse() const;
  /// Whether it is there, even if it cannot be read; also if nobody can say.
  bool exists() const;
  /// What the daemon's user must be able to write, once it is there.
  std::vector<std::filesystem::path> files() const;
  /// Whether registrations are in `store.path`, and not in a database.
  bool isHere() const;
  /// An error if the system cannot read some of its files here, as a disk fails. Reads all of them, and not
  /// through the memory map, where that would end the program.
  core::Result<void> readFiles() const;
  /// What is known for and against the place: why registrations may be lost there; of a database, one for
  /// each host, and more where it has to be. Asks every host.
  std::vector<Remark> remarks() const;
  /// What an operator calls it, in a sentence: `the store /var/lib/p2`.
  std::string name() const;
  /// Why there should be no second p2 of the component's name, and what to do; empty if there may be one.
  std::string cautionAgainstSecond() const;
  /// What the program ends with, of sysexits.h, when it could not open the store for this.
  int exitCodeOf(StorePlace::Use use) const;

 private:
  std::shared_ptr<const StorePlace> _place;
};

}  // namespace p2::app
