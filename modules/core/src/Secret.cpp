#include "p2/core/Secret.h"

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is not in <cstring>

namespace p2::core {

Secret::Secret(Secret&& other) noexcept : _value(std::move(other._value)) {
  other.wipe();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    _value = other._value;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    _value = std::move(other._value);
    other.wipe();
  }
  return *this;
}

bool Secret::equals(std::string_view other) const noexcept {
  // Walks `other` whole and against itself where the lengths differ, so that time tells nothing about _value.
  unsigned difference = _value.size() == other.size() ? 0U : 1U;
  const std::string_view mine = difference == 0U ? std::string_view(_value) : other;
  for (std::size_t i = 0; i < other.size(); ++i) {
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(mine[i]) ^ static_cast<unsigned char>(other[i]));
  }
  return difference == 0U;
}

void Secret::wipe() noexcept {
  // Up to the capacity: a short string that was moved from keeps its bytes behind a length of zero.
  _value.resize(_value.capacity());
  // A plain fill of memory that is never read again would be optimised away.
  ::explicit_bzero(_value.data(), _value.size());
  _value.clear();
}

}  // namespace p2::core
