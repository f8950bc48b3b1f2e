#include "links/StoreLink.h"

#include "links/LmdbPlace.h"
#include "links/MariadbPlace.h"

namespace p2::app {

namespace {

std::shared_ptr<const StorePlace> placeOf(const settings::Settings::Store& settings) {
  switch (settings.kind) {
    case settings::StoreKind::mariadb:
      return std::make_shared<MariadbPlace>(settings);
    case settings::StoreKind::lmdb:
      break;
  }
  return std::make_shared<LmdbPlace>(settings);
}

}  // namespace

StoreLink::StoreLink(const settings::Settings::Store& settings) : _place(placeOf(settings)) {}

core::Result<std::unique_ptr<store::RegistrationStore>> StoreLink::start() const {
  return _place->start();
}

core::Result<std::unique_ptr<store::RegistrationStore>> StoreLink::open() const {
  return _place->open(false);
}

core::Result<std::unique_ptr<store::RegistrationStore>> StoreLink::openForImport() const {
  return _place->open(true);
}

core::Result<std::unique_ptr<const store::RegistrationStore>> StoreLink::openReadOnly() const {
  return _place->openReadOnly();
}

core::Result<StorePlace::Copy> StoreLink::openForBackup() const {
  return _place->openForBackup();
}

bool StoreLink::isInUse() const {
  return _place->isInUse();
}

bool StoreLink::exists() const {
  return _place->exists();
}

std::vector<std::filesystem::path> StoreLink::files() const {
  return _place->files();
}

bool StoreLink::isHere() const {
  return _place->isHere();
}

core::Result<void> StoreLink::readFiles() const {
  return _place->readFiles();
}

std::vector<Remark> StoreLink::remarks() const {
  return _place->remarks();
}

std::string StoreLink::name() const {
  return _place->name();
}

std::string StoreLink::cautionAgainstSecond() const {
  return _place->cautionAgainstSecond();
}

int StoreLink::exitCodeOf(StorePlace::Use use) const {
  return _place->exitCodeOf(use);
}

}  // namespace p2::app
