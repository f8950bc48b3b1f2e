#pragma once

#include "links/StorePlace.h"
#include "p2/mariadb/Options.h"
#include "p2/settings/Settings.h"

namespace p2::app {

/// The store where the registrations are in MariaDB, as `store.mariadb` says.
class MariadbPlace final : public StorePlace {
 public:
  explicit MariadbPlace(const settings::Settings::Store& settings);

  core::Result<std::unique_ptr<store::RegistrationStore>> start() const override;
  core::Result<std::unique_ptr<store::RegistrationStore>> open(bool forImport) const override;
  core::Result<std::unique_ptr<const store::RegistrationStore>> openReadOnly() const override;
  core::Result<Copy> openForBackup() const override;
  /// Any number of processes may write.
  bool isInUse() const override { return false; }
  /// Not before there are tables. Asks every host.
  bool exists() const override;
  std::vector<std::filesystem::path> files() const override { return {}; }
  bool isHere() const override { return false; }
  core::Result<void> readFiles() const override { return {}; }
  std::vector<Remark> remarks() const override;
  std::string name() const override;
  std::string cautionAgainstSecond() const override { return {}; }
  int exitCodeOf(Use use) const override;

 private:
  mariadb::Options _options;
};

}  // namespace p2::app
