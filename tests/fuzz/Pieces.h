#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace p2::test {

/// The stream in pieces of these sizes, one a byte and each one more than it says, over and over again; byte
/// by byte if there are none.
inline std::vector<std::string> split(std::string_view stream, std::string_view sizes) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0, i = 0; at < stream.size(); ++i) {
    const std::size_t size = sizes.empty() ? 1 : 1 + static_cast<unsigned char>(sizes[i % sizes.size()]);
    pieces.emplace_back(stream.substr(at, size));
    at += pieces.back().size();
  }
  return pieces;
}

}  // namespace p2::test
