#include "p2/transfer/LineFaults.h"

#include "p2/core/Words.h"

#include <iterator>

namespace p2::transfer {

void LineFaults::add(std::uint64_t line, const std::string& text) {
  ++_count;
  _shown.emplace(line, text);
  if (_shown.size() > kMostShown) _shown.erase(std::prev(_shown.end()));
}

std::vector<std::string> LineFaults::texts() const {
  std::vector<std::string> texts;
  for (const auto& [line, text] : _shown) texts.push_back("line " + std::to_string(line) + ": " + text);
  if (_count > _shown.size()) texts.push_back("and " + core::grouped(_count - _shown.size()) + " more lines");
  return texts;
}

}  // namespace p2::transfer
