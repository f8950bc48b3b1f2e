#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace p2::store {

/// Appends `value`, little-endian.
template <class Unsigned>
void putInteger(std::string& out, Unsigned value) {
  static_assert(std::is_unsigned_v<Unsigned>);
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
  }
}

/// Appends the length of `text` in two bytes and `text`. REQUIRES: it has 65,535 bytes at most.
inline void putString(std::string& out, std::string_view text) {
  putInteger(out, static_cast<std::uint16_t>(text.size()));
  out.append(text);
}

/// Takes values off the front of what is on disk. Once a value is missing, all that follow are. Used by one
/// thread; lives no longer than the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : _rest(bytes) {}

  template <class Unsigned>
  std::optional<Unsigned> integer() {
    static_assert(std::is_unsigned_v<Unsigned>);
    if (_rest.size() < sizeof(Unsigned)) return missing();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(_rest[i])} << (8 * i);
    }
    _rest.remove_prefix(sizeof(Unsigned));
    return static_cast<Unsigned>(value);
  }

  std::optional<std::string> string() {
    const auto length = integer<std::uint16_t>();
    if (!length || _rest.size() < *length) return missing();
    std::string text(_rest.substr(0, *length));
    _rest.remove_prefix(*length);
    return text;
  }

  bool atEnd() const { return _rest.empty(); }

 private:
  std::nullopt_t missing() {
    _rest = {};
    return std::nullopt;
  }

  std::string_view _rest;
};

}  // namespace p2::store
