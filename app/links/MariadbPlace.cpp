#include "links/MariadbPlace.h"

#include "links/MariadbOptions.h"
#include "p2/mariadb/Store.h"

#include <utility>

namespace p2::app {

namespace {

template <class Opened>
core::Result<std::unique_ptr<store::RegistrationStore>> asStore(Opened opened) {
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<store::RegistrationStore>(std::move(opened).value());
}

}  // namespace

MariadbPlace::MariadbPlace(const settings::Settings::Store& settings)
    : _options(mariadbOptions(settings.mariadb)) {
  _options.keepDomain = settings.keepDomain;
}

core::Result<std::unique_ptr<store::RegistrationStore>> MariadbPlace::start() const {
  return asStore(mariadb::Store::start(_options));
}

core::Result<std::unique_ptr<store::RegistrationStore>> MariadbPlace::open(bool /*forImport*/) const {
  return asStore(mariadb::Store::open(_options));
}

core::Result<std::unique_ptr<const store::RegistrationStore>> MariadbPlace::openReadOnly() const {
  auto opened = mariadb::Store::openReadOnly(_options);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<const store::RegistrationStore>(std::move(opened).value());
}

core::Result<StorePlace::Copy> MariadbPlace::openForBackup() const {
  return core::Error{
      "The registrations are in MariaDB: use its own backup, such as mariadb-backup, or "
      "mariadb-dump --single-transaction " +
      _options.database + "; p2 export writes them as lines of text."};
}

std::vector<std::string> MariadbPlace::doubts() const {
  std::vector<std::string> doubts;
  for (auto& fault : mariadb::Store::faultsOfHosts(_options)) {
    if (!fault.empty()) doubts.push_back(std::move(fault));
  }
  return doubts;
}

std::string MariadbPlace::name() const {
  return "the database " + _options.database + " in MariaDB";
}

}  // namespace p2::app
