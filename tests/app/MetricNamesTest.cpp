#include "support/Catch.h"
#include "support/ContentOf.h"

#include <filesystem>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

/// All names of p2's metrics in a text.
std::set<std::string> namesIn(const std::string& text) {
  static const std::regex form(R"(\bp2_[a-z][a-z0-9_]*)");
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), form), end; match != end; ++match) {
    names.insert(match->str());
  }
  return names;
}

/// The names that sources give to the registry of metrics.
std::set<std::string> namesMadeIn(const std::string& source) {
  static const std::regex made(R"re(\b(counter|gauge|histogram)\(\s*"(p2_[a-z0-9_]+)")re");
  std::set<std::string> names;
  for (std::sregex_iterator match(source.begin(), source.end(), made), end; match != end; ++match) {
    names.insert((*match)[2]);
  }
  return names;
}

/// What p2 counts: all but what the room of the web asks the registry for, which only reads.
std::set<std::string> counted() {
  std::set<std::string> names;
  for (const char* folder : {"modules", "app"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(P2_SOURCE_DIR) / folder)) {
      const auto& path = entry.path();
      if (path.extension() == ".cpp" && path.string().find("/modules/web/") == std::string::npos) {
        names.merge(namesMadeIn(p2::test::contentOf(path)));
      }
    }
  }
  return names;
}

/// Without what a histogram adds to its name.
std::string plain(std::string name) {
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
  }
  return name;
}

}  // namespace

TEST_CASE("Every metric that the page, the commands, the alerts and the dashboard read is counted") {
  const auto names = counted();
  CHECK(names.size() > 30);
  for (const char* reader :
       {"modules/web/src/History.cpp", "app/commands/status/StatusReport.cpp",
        "packaging/prometheus/p2.rules.yml", "packaging/grafana/p2.json", "packaging/man/p2-guide.7.md"}) {
    const auto read = namesIn(p2::test::sourceOf(reader));
    CAPTURE(reader);
    CHECK_FALSE(read.empty());
    for (const auto& name : read) {
      CAPTURE(name);
      CHECK(names.contains(plain(name)));
    }
  }
}
