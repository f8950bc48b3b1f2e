#include "p2/settings/Instance.h"

#include <algorithm>
#include <system_error>

namespace p2::settings {

namespace {

constexpr std::string_view kPlain = "p2";
constexpr std::string_view kExtension = ".properties";
// The longest name of a user that systemd takes is 31 bytes, and `p2-` stands in front.
constexpr std::size_t kLongestName = 28;

bool isLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// Whether it can be a part of the names of a file, a user and a unit.
bool isName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && isLetterOrDigit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return isLetterOrDigit(c) || c == '-' || c == '_'; });
}

}  // namespace

core::Result<Instance> Instance::named(std::string_view name) {
  if (name == kPlain)
    return core::Error{"the settings p2.properties are those of p2 without a name: leave @p2 out"};
  if (isName(name)) return Instance(std::string(name));
  return core::Error{"what stands behind the @ names one of several p2: up to " +
                     std::to_string(kLongestName) +
                     " small letters, digits, - and _, of which the first is a letter or a digit"};
}

Instance Instance::ofFile(const std::filesystem::path& file) {
  const auto path = file.lexically_normal();
  if (path.parent_path() != kDirectory || path.extension() != kExtension) return {};
  auto made = named(path.stem().string());
  return made ? std::move(made).value() : Instance();
}

std::vector<std::string> Instance::namesIn(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code none;
  for (std::filesystem::directory_iterator entry(directory, none), end; !none && entry != end;
       entry.increment(none)) {
    const auto& path = entry->path();
    auto name = path.stem().string();
    if (path.extension() == kExtension && named(name)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::filesystem::path Instance::file() const {
  return std::filesystem::path(kDirectory) /
         ((isPlain() ? std::string(kPlain) : _name) + std::string(kExtension));
}

std::filesystem::path Instance::store() const {
  return std::string(kStore) + (isPlain() ? "" : '-' + _name);
}

std::string Instance::user() const {
  return std::string(kPlain) + (isPlain() ? "" : '-' + _name);
}

std::string Instance::unit() const {
  return std::string(kPlain) + (isPlain() ? "" : '@' + _name);
}

std::string Instance::call(std::string_view command) const {
  return "p2 " + std::string(command) + (isPlain() ? "" : " @" + _name);
}

}  // namespace p2::settings
