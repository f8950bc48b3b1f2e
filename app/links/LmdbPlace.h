#pragma once

#include "links/StorePlace.h"
#include "p2/settings/Settings.h"

namespace p2::app {

/// The store where the registrations are in LMDB, at `store.path`.
class LmdbPlace final : public StorePlace {
 public:
  explicit LmdbPlace(const settings::Settings::Store& settings)
      : _path(settings.path), _keepDomain(settings.keepDomain) {}

  core::Result<std::unique_ptr<store::RegistrationStore>> start() const override { return open(false); }
  core::Result<std::unique_ptr<store::RegistrationStore>> open(bool forImport) const override;
  core::Result<std::unique_ptr<const store::RegistrationStore>> openReadOnly() const override;
  core::Result<Copy> openForBackup() const override;
  bool isInUse() const override;
  bool exists() const override;
  std::vector<std::filesystem::path> files() const override;
  bool isHere() const override { return true; }
  core::Result<void> readFiles() const override;
  std::vector<Remark> remarks() const override;
  std::string name() const override { return "the store " + _path.string(); }
  int exitCodeOf(Use use) const override;
  std::string cautionAgainstSecond() const override;

 private:
  const std::filesystem::path _path;
  const bool _keepDomain;
};

}  // namespace p2::app
