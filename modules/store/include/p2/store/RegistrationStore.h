#pragma once

#include "p2/store/RegistrationArchive.h"
#include "p2/store/Registrations.h"
#include "p2/store/Whereabouts.h"

#include <cstdint>
#include <string>

namespace p2::store {

/// A whole store: all that the daemon and the commands want of one, wherever it keeps its registrations. One
/// that was opened for reading is only ever had as const. Thread-safe.
class RegistrationStore : public Registrations, public RegistrationArchive {
 public:
  template <class T>
  using Callback = Registrations::Callback<T>;

  struct Statistics {
    std::uint64_t registrations = 0;
    std::uint64_t mapBytes = 0;        ///< What it may take before it must grow.
    std::uint64_t usedBytes = 0;       ///< Pages that hold something or did once: what a copy would take.
    std::uint64_t pendingChanges = 0;  ///< Queued or being committed.
  };

  /// Removes what is stored under `node`, even if it cannot be read; gives whether there was anything. Calls
  /// back as Registrations do.
  virtual void forget(std::string node, Callback<bool> done) = 0;

  /// Zeros if they cannot be read. May wait for the disk.
  virtual Statistics statistics() const = 0;

  /// As it is known without waiting.
  virtual Whereabouts whereabouts() const = 0;
};

}  // namespace p2::store
