#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace p2::transfer {

/// What is wrong with lines of an import: as many as a person reads, and the number of all.
class LineFaults {
 public:
  static constexpr std::size_t kMostShown = 100;

  void add(std::uint64_t line, const std::string& text);
  std::uint64_t count() const noexcept { return _count; }
  /// `line 7: its token is empty or damaged`, in the order of the lines; last, how many more there are.
  std::vector<std::string> texts() const;

 private:
  std::map<std::uint64_t, std::string> _shown;  ///< The first lines.
  std::uint64_t _count = 0;
};

}  // namespace p2::transfer
