// Input: a settings file; if it begins with a brace, in the reference service's form. A line that begins with
// `P2_` is a variable of the environment as well.

#include "Fuzz.h"
#include "p2/settings/Parser.h"
#include "p2/settings/Source.h"

#include <algorithm>
#include <string>

using p2::test::require;
namespace settings = p2::settings;

namespace {

constexpr std::size_t kMostFaultSize = 2000;

settings::Environment environmentOf(std::string_view text) {
  settings::Environment environment;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t equals = line.find('=');
    if (line.starts_with("P2_") && equals != std::string_view::npos) {
      environment.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return environment;
}

/// A file system of three kinds of files.
p2::core::Result<settings::FileContent> readFile(const std::filesystem::path& path, std::size_t limit) {
  const std::string name = path.string();
  if (name.empty() || name.back() == '/') return p2::core::Error{"is a directory"};
  if (name.size() % 2 == 0) return p2::core::Error{"does not exist"};
  return settings::FileContent{std::string(std::min<std::size_t>(limit, name.size()), name.back()),
                               name.size() % 3 == 0};
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = p2::test::textOf(data, size);
  const settings::FileContent content{std::string(text), size % 2 == 0};
  const auto parsed = settings::parse(content, "p2.properties", environmentOf(text), readFile);
  require(parsed.settings.has_value() == parsed.faults.empty(), "there are settings or faults");
  require(parsed.faults.size() <= 101, "faults are bounded");
  for (const auto& fault : parsed.faults) require(fault.size() < kMostFaultSize, "a fault is bounded");
  for (const auto& warning : parsed.warnings)
    require(warning.size() < kMostFaultSize, "a warning is bounded");
  for (const auto& entry : settings::scanProperties(text).entries)
    require(entry.line > 0, "entries have a line");
  settings::scanJson(text);
  return 0;
}
