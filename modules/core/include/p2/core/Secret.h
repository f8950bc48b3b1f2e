#pragma once

#include <string>
#include <string_view>

namespace p2::core {

/// A string that must not be shown: a shared secret, a registration's secret, a token, a key. It cannot be
/// streamed, is compared in constant time and wiped when destroyed. A value; not thread-safe.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) noexcept : _value(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  /// The text itself, for the wire and the store only. The view lives until this object changes.
  const std::string& reveal() const noexcept { return _value; }
  bool empty() const noexcept { return _value.empty(); }

  /// Compares in a time that depends on the length of `other` alone.
  bool equals(std::string_view other) const noexcept;
  bool operator==(const Secret& other) const noexcept { return equals(other._value); }

  /// Overwrites it and leaves it empty. Its memory is kept for another value.
  void wipe() noexcept;

 private:
  std::string _value;
};

}  // namespace p2::core
