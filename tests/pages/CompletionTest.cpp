#include "Completion.h"
#include "Shell.h"
#include "p2/settings/Instance.h"
#include "support/Catch.h"
#include "support/Has.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

using namespace p2;
using namespace p2::pages;
using test::has;
using Words = std::vector<std::string>;

namespace {

std::string joinedInOrder(Words words) {
  std::sort(words.begin(), words.end());
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string spelled(const app::CommandOption& option) {
  return "--" + std::string(option.name) + (option.argument.empty() ? "" : "=");
}

std::string allOptions(const std::vector<app::CommandOption>& options) {
  Words words;
  for (const auto& option : options) words.push_back(spelled(option));
  return joinedInOrder(words);
}

std::string optionsOf(std::string_view command) {
  return allOptions(app::optionsOf(*app::findCommand(command)));
}

/// Bash behind a command line, in a directory with a file and a folder.
class Bash {
 public:
  Bash() {
    std::filesystem::create_directory(_directory.path() / "folder");
    std::ofstream(_directory.path() / "form.json") << "{}";
    std::filesystem::create_directory(_settings.path() / "p2");
    for (const char* name : {"p2", "shop", "work"}) {
      std::ofstream(_settings.path() / "p2" / (std::string(name) + ".properties")) << "";
    }
    const std::regex etc(settings::Instance::kDirectory);
    std::ofstream(_directory.path() / "p2.bash")
        << std::regex_replace(bashCompletion(test::program()), etc, (_settings.path() / "p2").string());
  }

  /// What it offers for the last word, in order; then how bash is told to put that in.
  std::string offers(const Words& words, const std::string& breaks = "@:=") const {
    std::string script = "set -u\nCOMP_WORDBREAKS=" + breaks +
                         "\nsource p2.bash\ncompopt() { told+=\" <$2>\"; }\ntold=\nCOMP_WORDS=(";
    for (const auto& word : words) script += shellWord(word) + ' ';
    script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
              "\n_p2\nprintf '%s\\n' ${COMPREPLY[@]+\"${COMPREPLY[@]}\"} | LC_ALL=C sort | paste -s -d ' ' | "
              "tr -d '\\n'\nprintf %s \"$told\"\n";
    return test::outputOf("bash", script, _directory.path());
  }

 private:
  const test::TemporaryDirectory _directory;
  const test::TemporaryDirectory _settings;
};

/// From the command's name to the next one's.
std::string zshSection(const std::string& text, std::string_view command) {
  const auto begin = text.find("\n      " + std::string(command) + ")\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find("\n        ;;\n", begin) - begin);
}

}  // namespace

TEST_CASE("Behind p2 bash offers its options and commands, and behind a command that command's options") {
  const Bash bash;
  Words all;
  for (const auto& command : app::commands()) all.emplace_back(command.name);
  for (const auto& option : app::CommandLine::options()) all.push_back(spelled(option));
  const auto offered = bash.offers({"p2", ""});
  CHECK(offered.starts_with(joinedInOrder(all)));
  CHECK(bash.offers({"p2", "--"}).starts_with(allOptions(app::CommandLine::options())));
  for (const auto& command : app::commands()) {
    CAPTURE(command.name);
    const std::string name(command.name);
    CHECK(bash.offers({"p2", name.substr(0, name.size() - 1)}) != "");
    CHECK(bash.offers({"p2", name}) == name);
    const auto options = bash.offers({"p2", name, "--"});
    CHECK(options.substr(0, options.find(" <")) == optionsOf(name));
  }
}

TEST_CASE("Behind an option that takes something bash offers that and nothing else") {
  const Bash bash;
  const auto expected = [](const app::CommandOption& option) {
    switch (option.kind) {
      case app::ArgumentKind::text:
        return std::string();
      case app::ArgumentKind::file:
        return std::string("folder form.json <filenames>");
      case app::ArgumentKind::directory:
        return std::string("folder <filenames>");
      case app::ArgumentKind::word:
        break;
    }
    const auto words = option.words();
    return joinedInOrder({words.begin(), words.end()});
  };
  const auto check = [&](const Words& before, const app::CommandOption& option) {
    CAPTURE(before, option.name);
    auto words = before;
    words.push_back("--" + std::string(option.name));
    const std::string start = option.kind == app::ArgumentKind::word ? "" : "fo";
    words.push_back(start);
    CHECK(bash.offers(words) == expected(option));
    words.back() = "=";
    if (option.kind == app::ArgumentKind::word) CHECK(bash.offers(words) == expected(option));
    words.push_back(start);
    CHECK(bash.offers(words) == expected(option));
  };
  for (const auto& option : app::CommandLine::options()) {
    if (!option.argument.empty()) check({"p2"}, option);
  }
  for (const auto& command : app::commands()) {
    for (const auto& option : app::optionsOf(command)) {
      if (!option.argument.empty()) check({"p2", std::string(command.name)}, option);
    }
  }
}

TEST_CASE("Bash knows where it is on a command line") {
  struct Row {
    Words words;
    std::string offered;
  };
  const std::vector<Row> rows{
      {{"p2", "ch"}, "check"},
      {{"p2", "se"}, "settings setup"},
      {{"p2", "x"}, ""},
      {{"p2", "--conf"}, "--config= <nospace>"},
      {{"p2", "--ver"}, "--version"},
      {{"p2", "-c", "fo"}, "folder form.json <filenames>"},
      {{"p2", "-c", "form.json", "ch"}, "check"},
      {{"p2", "--config", "form.json", "ch"}, "check"},
      {{"p2", "--config", "=", "form.json", "ch"}, "check"},
      {{"p2", "--config", "=", "form.json", "list", "--dom"}, "--domain= <nospace>"},
      {{"p2", "--daemon", "--pid"}, "--pidfile= <nospace>"},
      {{"p2", "check", "--j"}, "--json"},
      {{"p2", "check", ""}, optionsOf("check") + " @shop @work"},
      {{"p2", "check", "x", ""}, optionsOf("check")},
      {{"p2", "check", "@"}, "shop work"},
      {{"p2", "check", "@", "w"}, "work"},
      {{"p2", "check", "@", "work", "--j"}, "--json"},
      {{"p2", "check", "@w"}, "@work"},
      {{"p2", "check", "@work", "--j"}, "--json"},
      {{"p2", "check", "--json", "@"}, "shop work"},
      {{"p2", "import", "@", "work", "fo"}, "folder form.json <filenames>"},
      {{"p2", "import", "@work", "fo"}, "folder form.json <filenames>"},
      {{"p2", "import", "@", "work", "form.json", "fo"}, ""},
      {{"p2", "import", "form.json", "@"}, ""},
      {{"p2", "@"}, ""},
      {{"p2", "setup", "--server", "=", "pro"}, "prosody"},
      {{"p2", "setup", "--server", "m"}, "metronome mongooseim"},
      {{"p2", "setup", "--server", "=", "prosody", "--po"}, "--port= <nospace>"},
      {{"p2", "list", "--store", "=", "fo"}, "folder <filenames>"},
      {{"p2", "list", "-c", "fo"}, "folder form.json <filenames>"},
      {{"p2", "list", "--domain", "=", ""}, ""},
      {{"p2", "import", "fo"}, "folder form.json <filenames>"},
      {{"p2", "import", "--skip-bad", "fo"}, "folder form.json <filenames>"},
      {{"p2", "import", "--store", "=", "s", "fo"}, "folder form.json <filenames>"},
      {{"p2", "import", "-", "--sk"}, "--skip-bad"},
      {{"p2", "import", "form.json", "fo"}, ""},
      {{"p2", "import", "form.json", "--sk"}, "--skip-bad"},
      {{"p2", "backup", "fo"}, "folder <filenames>"},
      {{"p2", "push", "--val"}, "--validate-only"},
      {{"p2", "push", "0a1b", "--val"}, "--validate-only"},
      {{"p2", "imprt", "--"}, ""},
      {{"p2", "it's $(touch harm)", "--"}, ""},
  };
  const Bash bash;
  for (const auto& row : rows) {
    CAPTURE(row.words);
    CHECK(bash.offers(row.words) == row.offered);
  }
  CHECK(bash.offers({"p2", "check", "@"}, "=") == "@shop @work");
}

TEST_CASE("What stands in bash's completion as it is has nothing in it that a shell would take for its own") {
  const auto plain = [](std::string_view text) {
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  };
  const auto check = [&](const app::CommandOption& option) {
    CHECK(plain(option.name));
    if (option.words == nullptr) return;
    for (const auto& word : option.words()) CHECK(plain(word));
  };
  for (const auto& option : app::CommandLine::options()) check(option);
  for (const auto& command : app::commands()) {
    CHECK(plain(command.name));
    for (const auto& option : command.options) check(option);
  }
}

TEST_CASE("zsh knows every command, every option of each, and what they take") {
  const auto text = zshCompletion(test::program());
  CHECK(text.starts_with("#compdef p2\n"));
  const auto holds = [](const std::string& part, const app::CommandOption& option) {
    CAPTURE(option.name);
    const auto name = "--" + std::string(option.name) + (option.argument.empty() ? "" : "=");
    const auto end = option.letter.empty() ? std::string() : "}'";
    CHECK(has(part, name + end + '[' + shellWord(zshText(meaningOf(option))).substr(1, 10)));
    if (!option.argument.empty()) CHECK(has(part, "]:" + std::string(option.argument) + ':'));
  };
  for (const auto& option : app::CommandLine::options())
    holds(text.substr(0, text.find("case $state")), option);
  for (const auto& command : app::commands()) {
    CAPTURE(command.name);
    const std::string name(command.name);
    CHECK(has(text, "\n  " + shellWord(name + ':' + zshText(command.summary)) + '\n'));
    const auto section = zshSection(text, name);
    for (const auto& option : app::optionsOf(command)) holds(section, option);
    if (command.operands.most > 0) CHECK(has(section, ':' + std::string(command.operands.name) + ':'));
  }
  CHECK(has(zshSection(text, "setup"), ":KIND:(prosody ejabberd "));
  CHECK(has(zshSection(text, "import"), "'1::FILE:_files'"));
  CHECK(has(zshSection(text, "backup"), "'1:DIRECTORY:_files -/'"));
  CHECK(has(zshSection(text, "push"), "'1:NODE: '"));
}

TEST_CASE("A text in a completion ends nothing early") {
  const std::map<std::string, std::string> texts{{"", "''"},
                                                 {"plain", "'plain'"},
                                                 {"it's", R"('it'\''s')"},
                                                 {"a: b", R"('a\: b')"},
                                                 {"[a]", R"('\[a\]')"},
                                                 {"\\", R"('\\')"},
                                                 {".-$(x)`x`\"", "'.-$(x)`x`\"'"}};
  for (const auto& [text, expected] : texts) CHECK(shellWord(zshText(text)) == expected);
}

TEST_CASE("Shells can read their completion, whatever stands in the table") {
  static constexpr std::array<app::CommandOption, 1> kOptions{
      {{"odd", "A:B", "it's [so]: `a` \\ $(touch harm) \"", app::ArgumentKind::file}}};
  const std::array<app::Command, 1> commands{
      {{"odd", {"FI'LE]", app::ArgumentKind::file, 1, 2}, "isn't: [it] \\", "", kOptions}}};
  const test::TemporaryDirectory directory;
  for (const auto& program : {test::program(), Program{{kOptions[0]}, commands}}) {
    CHECK(test::outputOf("bash -n", bashCompletion(program), directory.path()) == "");
    if (test::isHere("zsh")) CHECK(test::outputOf("zsh -n", zshCompletion(program), directory.path()) == "");
  }
}
