#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

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

/// Calls `visit` with each source of the program, headers too.
template <class Visit>
void forEachSource(Visit&& visit) {
  for (const char* folder : {"modules", "app"}) {
    const auto root = std::filesystem::path(P2_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      const auto kind = entry.path().extension();
      if (kind == ".cpp" || kind == ".h") visit(entry.path());
    }
  }
}

/// What `form`, or its group of that number, is in each place of a text where it is found.
inline std::vector<std::string> allIn(const std::string& text, const std::regex& form,
                                      std::size_t group = 0) {
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), form), end; match != end; ++match) {
    found.push_back((*match)[group]);
  }
  return found;
}

}  // namespace p2::test
