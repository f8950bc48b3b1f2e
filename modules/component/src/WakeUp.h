#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace p2::component {

/// What ends a wait for descriptors from another thread. Thread-safe.
class WakeUp {
 public:
  WakeUp() : _descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (_descriptor < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;
  ~WakeUp() { ::close(_descriptor); }

  /// Can be read once it is set, and from then on.
  int descriptor() const noexcept { return _descriptor; }
  void set() noexcept {  // NOLINT(readability-make-member-function-const): it changes what all see
    const std::uint64_t one = 1;
    // It fails only where it is set already.
    [[maybe_unused]] const auto written = ::write(_descriptor, &one, sizeof(one));
  }

 private:
  const int _descriptor;
};

}  // namespace p2::component
