#include "ManPage.h"
#include "Shell.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <sysexits.h>
#include <utility>

using namespace p2;
using namespace p2::pages;
using test::has;

namespace {

const std::string kOwnText = test::sourceOf("packaging/man/p2.8.in");

/// From the heading to the next one.
std::string sectionOf(const std::string& page, const std::string& heading) {
  const auto begin = page.find("\n." + heading);
  if (begin == std::string::npos) return {};
  const auto after = page.find('\n', begin + 1);
  return page.substr(begin, std::min(page.find("\n.SS ", after), page.find("\n.SH ", after)) - begin);
}

/// As a terminal shows it, on wide lines; with what man says against it.
std::string rendered(const std::string& page) {
  const test::TemporaryDirectory directory;
  return test::outputOf("MANWIDTH=2000 LC_ALL=C man --warnings -E ascii -l", page, directory.path());
}

constexpr std::array<app::CommandOption, 1> kOddOptions{
    {{"odd-one", "A-B", ".leads: it's [so], `this` \\(aq \"that\" ^ ~ \\fBbold"}}};

app::Command oddCommand() {
  return {"odd",
          {"F.ILE", app::ArgumentKind::file, 0, 1},
          "",
          ".TH is none. 'Nor' is this - \\n [a]: b",
          kOddOptions};
}

}  // namespace

TEST_CASE(
    "Each command stands in p2(8), in the order of the table, with what it says of itself and its options") {
  const auto page = manPage(kOwnText, test::program());
  REQUIRE(page.ok());
  std::size_t last = 0;
  for (const auto& command : app::commands()) {
    CAPTURE(command.name);
    const auto heading = "SS p2 " + std::string(command.name);
    const auto section = sectionOf(page.value(), heading);
    REQUIRE_FALSE(section.empty());
    CHECK(page.value().find("\n." + heading) > last);
    last = page.value().find("\n." + heading);
    auto details = roff(command.details);
    CHECK(has(std::regex_replace(section, std::regex("\n"), " "), details));
    for (const auto& option : command.options) {
      CAPTURE(option.name);
      CHECK(has(section, "\n.TP\n\\fB" + roff("--" + std::string(option.name))));
      CHECK(has(section, roff(meaningOf(option)).substr(1)));
    }
  }
}

TEST_CASE("The program's own options stand in p2(8), each with its letter and what it takes") {
  const auto page = manPage(kOwnText, test::program());
  REQUIRE(page.ok());
  const auto section = sectionOf(page.value(), "SH OPTIONS");
  for (const auto& option : app::CommandLine::options()) {
    CAPTURE(option.name);
    CHECK(has(section, "\\fB\\-\\-" + std::string(option.name)));
  }
  CHECK(has(section, "\n\\fB\\-c\\fR, \\fB\\-\\-config=\\fIFILE\\fR\n"));
  CHECK(has(section, "\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\n"));
  CHECK(has(section, "\n\\fB\\-\\-daemon\\fR\n"));
}

TEST_CASE("A text stands in p2(8) as it is, whatever roff would make of it") {
  const std::map<std::string, std::string> texts{{"", ""},
                                                 {"p2 list", "p2 list"},
                                                 {"--store", "\\-\\-store"},
                                                 {".TH x", "\\&.TH x"},
                                                 {"a\n.b", "a\n\\&.b"},
                                                 {"a.b", "a.b"},
                                                 {"'x'", "\\(aqx\\(aq"},
                                                 {"`x`", "\\(gax\\(ga"},
                                                 {"\\fB", "\\(rsfB"},
                                                 {"\"^~", "\\(dq\\(ha\\(ti"},
                                                 {"[a]: b", "[a]: b"}};
  for (const auto& [text, expected] : texts) CHECK(roff(text) == expected);
}

TEST_CASE("Each sentence of a command begins a line, and none of them is a request") {
  const std::array commands{oddCommand()};
  const auto page = manPage(kOwnText, {{}, commands});
  REQUIRE(page.ok());
  CHECK(has(page.value(),
            "\n.SS p2 odd [@NAME] [OPTION...] [F.ILE]\n\\&.TH is none.\n\\(aqNor\\(aq is this \\- \\(rsn "
            "[a]: b\n"));
  CHECK(has(page.value(), "\n\\fB\\-\\-odd\\-one=\\fIA\\-B\\fR\n\\&.leads: it\\(aqs [so]"));
}

TEST_CASE("A page without a place for the options or the commands is refused") {
  CHECK(manPage("a\n.\\\" OPTIONS\n.\\\" COMMANDS\n", test::program()).ok());
  CHECK(has(manPage("a\n.\\\" OPTIONS\n", test::program()).error(), "COMMANDS"));
  CHECK(has(manPage("a\n.\\\" COMMANDS\n", test::program()).error(), "OPTIONS"));
}

TEST_CASE("man has nothing to say against p2(8), and shows each text as it stands in the table") {
  if (!test::isHere("man")) {
    WARN("skipped: no man");
    return;
  }
  const std::array commands{oddCommand()};
  const auto odd = rendered(manPage(kOwnText, {{}, commands}).value());
  CHECK_FALSE(has(odd, "warning"));
  CHECK(has(odd, ".TH is none.  'Nor' is this - \\n [a]: b\n"));
  CHECK(has(odd, ".leads: it's [so], `this` \\(aq \"that\" ^ ~ \\fBbold."));

  const auto page = rendered(manPage(kOwnText, test::program()).value());
  CHECK_FALSE(has(page, "warning"));
  for (const auto& command : app::commands()) CHECK(has(page, "\n   p2 " + std::string(command.name)));
}

TEST_CASE("On a terminal of 80 columns p2.properties(5) has no wider line, and it leads to the other pages") {
  if (!test::isHere("man")) {
    WARN("skipped: no man");
    return;
  }
  const test::TemporaryDirectory directory;
  const std::string source = P2_SOURCE_DIR;
  const auto page = test::outputOf("awk -v version=1 -f '" + source + "/packaging/man/properties.awk'",
                                   test::sourceOf("p2.properties"), directory.path());
  const auto shown =
      test::outputOf("MANWIDTH=80 LC_ALL=C man --warnings -E ascii -l", page, directory.path());
  CHECK_FALSE(has(shown, "warning: "));
  CHECK(has(shown, "  key = value "));
  CHECK(has(shown, "p2(8), p2-guide(7)"));
  for (const auto& line : test::allIn(shown, std::regex("[^\n]{81,}"))) FAIL_CHECK(line);
}

TEST_CASE("p2(8) has the exit statuses that the program ends with, and no others") {
  std::set<std::string> used;
  test::forEachSource([&](const std::filesystem::path& file) {
    for (auto& name : test::allIn(test::contentOf(file), std::regex("\\bEX_[A-Z]+")))
      used.insert(std::move(name));
  });
  const std::map<std::string, int> statuses{
      {"EX_USAGE", EX_USAGE},       {"EX_DATAERR", EX_DATAERR},     {"EX_NOINPUT", EX_NOINPUT},
      {"EX_NOUSER", EX_NOUSER},     {"EX_NOHOST", EX_NOHOST},       {"EX_UNAVAILABLE", EX_UNAVAILABLE},
      {"EX_SOFTWARE", EX_SOFTWARE}, {"EX_OSERR", EX_OSERR},         {"EX_OSFILE", EX_OSFILE},
      {"EX_IOERR", EX_IOERR},       {"EX_TEMPFAIL", EX_TEMPFAIL},   {"EX_PROTOCOL", EX_PROTOCOL},
      {"EX_NOPERM", EX_NOPERM},     {"EX_CANTCREAT", EX_CANTCREAT}, {"EX_CONFIG", EX_CONFIG}};
  const auto section = sectionOf(kOwnText, "SH EXIT STATUS");
  CHECK(used.erase("EX_OK") == 1);
  CHECK(has(section, "\n.B 0\n"));
  for (const auto& name : used) CHECK(statuses.contains(name));
  for (const auto& [name, status] : statuses) {
    CAPTURE(name);
    CHECK(has(section, "\n.BR " + std::to_string(status) + " \" (" + name + ")\"\n") == used.contains(name));
  }
}
