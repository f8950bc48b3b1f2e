#pragma once

#include <unistd.h>

#include <utility>

namespace p2::core {

/// An open file descriptor, which it closes. Moved, never copied.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) noexcept : _number(number) {}
  Descriptor(Descriptor&& other) noexcept : _number(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(_number, other._number);
    return *this;
  }
  ~Descriptor() {
    if (valid()) ::close(_number);
  }

  int number() const noexcept { return _number; }
  bool valid() const noexcept { return _number >= 0; }
  /// Gives it away: whoever has it now closes it.
  int release() noexcept { return std::exchange(_number, -1); }

 private:
  int _number;
};

}  // namespace p2::core
