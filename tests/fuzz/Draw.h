#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace p2::test {

/// Choices drawn from an input, byte by byte. Behind its end every choice is 0, so 0 must be the choice that
/// ends things. A changed byte changes one choice, and with any compiler the same input gives the same.
class Draw {
 public:
  explicit Draw(std::string_view input) : _left(input) {}

  bool empty() const noexcept { return _left.empty(); }

  std::size_t byte() noexcept {
    if (_left.empty()) return 0;
    const auto value = static_cast<unsigned char>(_left.front());
    _left.remove_prefix(1);
    return value;
  }

  /// A number below `count`. REQUIRES: `count` is 1 to 256.
  std::size_t below(std::size_t count) noexcept { return byte() % count; }

  template <class Table>
  const auto& of(const Table& table) noexcept {
    return table[below(std::size(table))];
  }

  /// The next bytes as they are.
  std::string_view bytes(std::size_t count) noexcept {
    const auto taken = _left.substr(0, std::min(count, _left.size()));
    _left.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view _left;
};

}  // namespace p2::test
