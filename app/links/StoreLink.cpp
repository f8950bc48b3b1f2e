#include "links/StoreLink.h"

#include "p2/lmdb/FileSystem.h"
#include "p2/lmdb/Files.h"
#include "p2/lmdb/Store.h"

#include <system_error>
#include <utility>

namespace p2::app {

namespace {

core::Result<std::unique_ptr<store::RegistrationStore>> openWith(const settings::Settings::Store& settings,
                                                                 bool removeIfUnused) {
  lmdb::Store::Options options;
  options.path = settings.path;
  options.keepDomain = settings.keepDomain;
  options.removeIfUnused = removeIfUnused;
  auto opened = lmdb::Store::open(options);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<store::RegistrationStore>(std::move(opened).value());
}

}  // namespace

core::Result<std::unique_ptr<store::RegistrationStore>> StoreLink::open() const {
  return openWith(_settings, false);
}

core::Result<std::unique_ptr<store::RegistrationStore>> StoreLink::openForImport() const {
  return openWith(_settings, true);
}

core::Result<std::unique_ptr<const store::RegistrationStore>> StoreLink::openReadOnly() const {
  auto opened = lmdb::Store::openReadOnly(_settings.path);
  if (!opened) return core::Error{opened.error()};
  return std::unique_ptr<const store::RegistrationStore>(std::move(opened).value());
}

bool StoreLink::isInUse() const {
  return lmdb::Store::isInUse(_settings.path);
}

core::Result<StoreLink::Copy> StoreLink::openForBackup() const {
  auto opened = lmdb::Store::openReadOnly(_settings.path);
  if (!opened) return core::Error{opened.error()};
  return Copy([store = std::move(opened).value()](const std::filesystem::path& directory) {
    return store->backup(directory);
  });
}

bool StoreLink::exists() const {
  std::error_code unknown;
  return std::filesystem::exists(_settings.path / lmdb::kDataFile, unknown) || unknown;
}

std::vector<std::filesystem::path> StoreLink::files() const {
  return {_settings.path, _settings.path / lmdb::kDataFile, _settings.path / lmdb::kReadersFile};
}

std::string StoreLink::doubt() const {
  std::error_code unknown;
  const auto kind = lmdb::unfitFileSystem(std::filesystem::absolute(_settings.path, unknown));
  return kind.empty() ? std::string() : lmdb::unfitFileSystemText(_settings.path, kind);
}

}  // namespace p2::app
