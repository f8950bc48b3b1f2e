#include "p2/settings/Template.h"

namespace p2::settings {

namespace {

/// As the file's format has it: a backslash is doubled.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) text += c == '\\' ? std::string("\\\\") : std::string(1, c);
  return text;
}

/// Whether this line sets `key`, or shows in a comment how to.
bool sets(std::string_view line, std::string_view key) {
  if (line.starts_with('#')) line.remove_prefix(1);
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  return line.starts_with(" =") || line.starts_with('=');
}

std::string put(std::string_view text, const std::string& key, std::string_view value) {
  const std::string setting = key + " = " + escaped(value) + '\n';
  for (std::size_t start = 0; start < text.size();) {
    const auto found = text.find('\n', start);
    const auto end = found == std::string_view::npos ? text.size() : found + 1;
    if (sets(text.substr(start, end - start), key)) {
      return std::string(text.substr(0, start)) + setting + std::string(text.substr(end));
    }
    start = end;
  }
  return std::string(text) + setting;
}

}  // namespace

std::string fillIn(std::string_view text, const std::vector<std::pair<std::string, std::string>>& values) {
  std::string filled(text);
  for (const auto& [key, value] : values) filled = put(filled, key, value);
  return filled;
}

}  // namespace p2::settings
