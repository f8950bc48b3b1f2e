#include "p2/settings/Source.h"
#include "support/Catch.h"

#include <Poco/AutoPtr.h>
#include <Poco/Util/PropertyFileConfiguration.h>

#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

using namespace p2::settings;

namespace {

/// `line|key|value` of each entry.
std::vector<std::string> entriesOf(const Source& source) {
  std::vector<std::string> lines;
  for (const auto& entry : source.entries) {
    lines.push_back(std::to_string(entry.line) + '|' + entry.key + '|' + entry.value);
  }
  return lines;
}

/// Every entry as Poco reads the file in one go.
class WholeFile : public Poco::Util::PropertyFileConfiguration {
 public:
  explicit WholeFile(std::istream& stream) : PropertyFileConfiguration(stream) {}

  std::map<std::string, std::string> all() const { return {begin(), end()}; }

 protected:
  ~WholeFile() override = default;
};

std::map<std::string, std::string> readByPoco(const std::string& text) {
  std::istringstream stream(text);
  const Poco::AutoPtr<WholeFile> file(new WholeFile(stream));
  return file->all();
}

}  // namespace

TEST_CASE("Entries of a properties file have the line on which they begin") {
  const auto source = scanProperties("a=1\n\n # c=2\n!d=3\r\n e : 4 = 5 \rf=x\\\ny\\\r\nz\ng=\nh=\\");
  CHECK(entriesOf(source) == std::vector<std::string>{"1|a|1", "5|e|4 = 5", "6|f|xyz", "9|g|", "10|h|"});
  CHECK(source.faults.empty());
}

TEST_CASE("A line that is no entry is a fault") {
  const auto source = scanProperties("a\nb=1\n=2\nc");
  CHECK(entriesOf(source) == std::vector<std::string>{"2|b|1"});
  REQUIRE(source.faults.size() == 3);
  CHECK(source.faults[0].line == 1);
  CHECK(source.faults[1].line == 3);
  CHECK(source.faults[2].line == 4);
}

TEST_CASE("A single backslash is marked, a double one and the end of a line are not") {
  const auto source = scanProperties("a=\\\\\nb=\\x\nc=\\\nd\ne=\\t");
  REQUIRE(source.entries.size() == 4);
  CHECK_FALSE(source.entries[0].hasEscape);
  CHECK(source.entries[1].hasEscape);
  CHECK_FALSE(source.entries[2].hasEscape);
  CHECK(source.entries[3].hasEscape);
}

TEST_CASE("The scan agrees with Poco's own reading of the whole file") {
  constexpr std::string_view kAlphabet = "ab.=:#!\\\r\n\t tnrf";
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same texts in every run
  std::uniform_int_distribution<std::size_t> pick(0, kAlphabet.size() - 1);
  for (int round = 0; round < 20000; ++round) {
    std::string text(1 + static_cast<std::size_t>(round) % 40, ' ');
    for (auto& c : text) c = kAlphabet[pick(random)];
    const auto source = scanProperties(text);
    std::map<std::string, std::string> scanned;
    for (const auto& entry : source.entries) scanned[entry.key] = entry.value;
    auto whole = readByPoco(text);
    whole.erase("");
    if (!source.faults.empty()) {
      // A line without '=' is a fault here; Poco reads it as a key whose value is empty.
      std::erase_if(whole, [](const auto& pair) { return pair.second.empty(); });
      std::erase_if(scanned, [&](const auto& pair) { return !whole.contains(pair.first); });
    }
    INFO(text);
    REQUIRE(scanned == whole);
  }
}

TEST_CASE("A JSON object becomes dotted keys with their lines") {
  const auto source =
      scanJson("{\"a\":1,\n\"b\":{\"c\":\" x \",\n\"d\":{\"e\":true}},\n\"f\":null,\"g\":-2.5}");
  CHECK(entriesOf(source) == std::vector<std::string>{"1|a|1", "2|b.c|x", "3|b.d.e|true", "4|g|-2.5"});
  CHECK(source.faults.empty());
}

TEST_CASE("What is not one JSON object of plain values is a fault") {
  for (const char* const text : {"", "{", "{\"a\"", "{\"a\":}", "{\"a\":1}}", "{\"a\":1} x", "[]", "1",
                                 "\"a\"", "{\"a\":[{\"b\":1}]}", "{a:1}",
                                 "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
                                 "{\"a\":{\"a\":1}}}}}}}}}"}) {
    INFO(text);
    CHECK(scanJson(text).faults.size() == 1);
  }
  CHECK(scanJson(std::string(1000000, '[')).faults.size() <= 2);
  CHECK(scanJson("{\"a\":1,\n\n\"b\" 2}").faults.front().line == 3);
}
