#pragma once

#include "p2/core/Result.h"
#include "p2/store/Registration.h"

#include <cstdint>
#include <optional>
#include <string>

namespace p2::store {

/// Where the rows of RegistrationArchive::importRows() come from, and who decides on it. Called by one
/// thread, the store's, while the caller waits. Must neither throw nor use the store.
class ImportSource {
 public:
  struct Row {
    Registration registration;
    std::uint64_t line = 0;  ///< What the row is called in faults.
    /// Whether its times are its own. Else they are only the latest that they can be, and what a phone has
    /// renewed since the registration came to this store is the later state.
    bool dated = true;
  };

  ImportSource() = default;
  ImportSource(const ImportSource&) = delete;
  ImportSource& operator=(const ImportSource&) = delete;
  virtual ~ImportSource() = default;

  /// The next row; nothing at the end. An error ends the import.
  virtual core::Result<std::optional<Row>> next() = 0;
  /// A row cannot be taken; `why` has nothing of what the row holds. In any order.
  virtual void refuse(std::uint64_t line, const std::string& why) = 0;
  /// Whether all that was taken is to be imported. Called once, after the last row.
  virtual bool confirm() = 0;
};

}  // namespace p2::store
