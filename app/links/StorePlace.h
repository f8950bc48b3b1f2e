#pragma once

#include "p2/core/Result.h"
#include "p2/core/UniqueFunction.h"
#include "p2/store/RegistrationStore.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace p2::app {

/// What is to be said for or against a place where registrations are. A value.
struct Remark {
  enum class Kind {
    good,
    doubt,  ///< p2 works all the same.
    fault,  ///< p2 cannot use it.
  };

  Kind kind = Kind::good;
  std::string text;
  int exitCode = 0;  ///< Of sysexits.h, for a fault.
};

/// What StoreLink asks of each kind of store; its functions say what for. Immutable.
class StorePlace {
 public:
  /// Writes a copy, as the store is now, into a directory that must not hold one.
  using Copy = core::UniqueFunction<core::Result<void>(const std::filesystem::path& directory)>;

  /// What a store is opened for.
  enum class Use { start, change, read, backup };

  StorePlace() = default;
  StorePlace(const StorePlace&) = delete;
  StorePlace& operator=(const StorePlace&) = delete;
  virtual ~StorePlace() = default;

  virtual core::Result<std::unique_ptr<store::RegistrationStore>> start() const = 0;
  virtual core::Result<std::unique_ptr<store::RegistrationStore>> open(bool forImport) const = 0;
  virtual core::Result<std::unique_ptr<const store::RegistrationStore>> openReadOnly() const = 0;
  virtual core::Result<Copy> openForBackup() const = 0;
  virtual bool isInUse() const = 0;
  virtual bool exists() const = 0;
  virtual std::vector<std::filesystem::path> files() const = 0;
  virtual bool isHere() const = 0;
  virtual core::Result<void> readFiles() const = 0;
  virtual std::vector<Remark> remarks() const = 0;
  virtual std::string name() const = 0;
  virtual std::string cautionAgainstSecond() const = 0;
  virtual int exitCodeOf(Use use) const = 0;
};

}  // namespace p2::app
