#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace p2::test {

/// All of a file; empty if it cannot be read.
inline std::string contentOf(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// All of a file of the project, by its path from the top.
inline std::string sourceOf(const std::filesystem::path& file) {
  return contentOf(std::filesystem::path(P2_SOURCE_DIR) / file);
}

}  // namespace p2::test
