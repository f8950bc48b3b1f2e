#pragma once

#include "p2/store/Registration.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace p2::store {

/// Counts the changes that are queued or being committed, by device as far as it is known, so that a reader
/// can tell whether what it is about to read is the last word. Devices that share a slot only make it more
/// careful than need be. Must outlive its tickets. Thread-safe.
class PendingChanges {
  using Count = std::atomic<std::uint32_t>;

 public:
  /// Stands for one pending change, until it is destroyed. A value; moved, never copied.
  class Ticket {
   public:
    explicit Ticket(Count& count) : _count(&count) { ++*_count; }
    Ticket(Ticket&& other) noexcept : _count(std::exchange(other._count, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(_count, other._count);
      return *this;
    }
    ~Ticket() {
      if (_count != nullptr) --*_count;
    }

   private:
    Count* _count;
  };

  /// A change of the registration of `key`.
  Ticket of(const DeviceKey& key) { return Ticket(_byDevice[slot(key)]); }
  /// A change of registrations that are not named by their device.
  Ticket ofAny() { return Ticket(_others); }

  /// A change of no registration.
  Ticket ofNone() { return Ticket(_noRegistration); }

  /// Whether a pending change may be one of the registration of `key`. If not, every change of it that was
  /// queued before this call is in what is read after it.
  bool mayConcern(const DeviceKey& key) const { return _others != 0 || _byDevice[slot(key)] != 0; }

  std::uint64_t count() const {
    std::uint64_t sum = _others + _noRegistration;
    for (const Count& count : _byDevice) sum += count;
    return sum;
  }

 private:
  static constexpr std::size_t kSlots = 1024;

  static std::size_t slot(const DeviceKey& key) {
    return (std::hash<std::string>{}(key.device) ^ std::hash<std::string>{}(key.channel) * 31) % kSlots;
  }

  std::array<Count, kSlots> _byDevice{};
  Count _others{0};
  Count _noRegistration{0};
};

}  // namespace p2::store
