#pragma once

#include <cstddef>

namespace p2::test {

/// The most memory that this program took at a time, beyond what it had, since the meter was made: all that
/// is allocated, by C libraries too. Counted by the address sanitizer's hooks; without it there is nothing to
/// see, and the peak is 0. One at a time, in a program of one thread.
class MemoryMeter {
 public:
  MemoryMeter() noexcept;

  std::size_t peak() const noexcept;

 private:
  std::size_t _before;
};

}  // namespace p2::test
