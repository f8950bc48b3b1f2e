#include "support/Catch.h"
#include "support/ContentOf.h"

#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

/// All names of p2's metrics in a text.
std::vector<std::string> namesIn(const std::string& text) {
  static const std::regex form(R"(\bp2_[a-z][a-z0-9_]*)");
  return p2::test::allIn(text, form);
}

/// What p2 counts: all but what the room of the web asks the registry for, which only reads.
std::set<std::string> counted() {
  static const std::regex made(R"re(\b(counter|gauge|histogram)\(\s*"(p2_[a-z0-9_]+)")re");
  std::set<std::string> names;
  p2::test::forEachSource([&](const std::filesystem::path& path) {
    if (path.string().find("/modules/web/") != std::string::npos) return;
    for (const auto& name : p2::test::allIn(p2::test::contentOf(path), made, 2)) names.insert(name);
  });
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
       {"modules/web/src/History.cpp", "modules/control/src/PushFigures.cpp",
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
