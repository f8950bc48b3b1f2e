#include "support/Catch.h"
#include "support/ContentOf.h"

#include <cstddef>
#include <filesystem>
#include <map>
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

using Labels = std::map<std::string, std::set<std::string>>;

/// The labels of each metric that p2 counts, as far as they stand where it is made: each as `{"name", …}`,
/// before the semicolon or the next metric.
Labels labelsOfCounted() {
  static const std::regex made(R"re(\b(counter|gauge|histogram)\(\s*"([a-z0-9_]+)"([^;]*))re");
  static const std::regex next(R"re(\b(counter|gauge|histogram)\()re");
  static const std::regex label(R"re(\{"([a-z]+)", )re");
  Labels labels;
  p2::test::forEachSource([&](const std::filesystem::path& path) {
    if (path.string().find("/modules/web/") != std::string::npos) return;
    const auto text = p2::test::contentOf(path);
    std::smatch match;
    for (auto begin = text.cbegin(); std::regex_search(begin, text.cend(), match, made);) {
      auto rest = match[3].str();
      std::smatch other;
      if (std::regex_search(rest, other, next)) rest.resize(static_cast<std::size_t>(other.position()));
      auto& own = labels[match[2]];
      for (const auto& name : p2::test::allIn(rest, label, 1)) own.insert(name);
      begin = match[2].second;
    }
  });
  return labels;
}

/// What Prometheus adds to each, and to the buckets of a histogram.
bool isAdded(const std::string& label) {
  return label == "instance" || label == "job" || label == "le";
}

/// Each alert with its texts, and each query of the dashboard without the escapes of JSON.
std::vector<std::string> queries() {
  static const std::regex asked(R"re("(?:expr|query)": "((?:[^"\\]|\\.)*)")re");
  static const std::regex quote(R"(\\")");
  std::vector<std::string> all;
  const auto alerts = p2::test::sourceOf("packaging/prometheus/p2.rules.yml");
  const std::string head = "- alert:";
  for (auto at = alerts.find(head); at != std::string::npos;) {
    const auto next = alerts.find(head, at + 1);
    all.push_back(alerts.substr(at, next - at));
    at = next;
  }
  for (const auto& text : p2::test::allIn(p2::test::sourceOf("packaging/grafana/p2.json"), asked, 1)) {
    all.push_back(std::regex_replace(text, quote, "\""));
  }
  return all;
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

TEST_CASE("Every label that an alert or the dashboard asks for is one of that metric's") {
  static const std::regex selected(R"re(\b((?:p2|process)_[a-z0-9_]+)\{([^}]*)\})re");
  static const std::regex matched(R"re(([a-z_]+)(?:=~|!~|!=|=)")re");
  // A label of the whole: that of any metric in it.
  static const std::regex grouped(
      R"(\b(?:by|on) \(([a-z_, ]+)\)|\$labels\.([a-z_]+)|label_values\(\w+, (\w+)\))");
  static const std::regex word("[a-z_]+");
  const auto counted = labelsOfCounted();
  CHECK(counted.at("p2_pushes_total") == std::set<std::string>{"outcome", "service"});
  CHECK(counted.at("p2_component_connected").empty());
  std::size_t seen = 0;
  const auto check = [&](const std::set<std::string>& known, const std::string& label) {
    CAPTURE(label);
    CHECK((isAdded(label) || known.contains(label)));
    ++seen;
  };
  for (const auto& query : queries()) {
    CAPTURE(query);
    for (std::sregex_iterator one(query.begin(), query.end(), selected), end; one != end; ++one) {
      const auto found = counted.find(plain((*one)[1]));
      REQUIRE(found != counted.end());
      for (const auto& label : p2::test::allIn((*one)[2], matched, 1)) check(found->second, label);
    }
    std::set<std::string> any;
    for (const auto& name : namesIn(query)) {
      const auto found = counted.find(plain(name));
      if (found != counted.end()) any.insert(found->second.begin(), found->second.end());
    }
    for (const std::size_t group : {1U, 2U, 3U}) {
      for (const auto& labels : p2::test::allIn(query, grouped, group)) {
        for (const auto& label : p2::test::allIn(labels, word)) check(any, label);
      }
    }
  }
  CHECK(seen > 80);
}
