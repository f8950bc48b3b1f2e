#include "CommandRun.h"
#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"
#include "options/OptionReader.h"
#include "support/Catch.h"
#include "support/Has.h"

#include <algorithm>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using namespace p2::app;
using test::has;

namespace {

/// What is told of a call of p2 itself, or of one of its commands.
struct Program {
  std::string name;  ///< As it stands before each message.
  std::vector<CommandOption> options;

  std::string faultOf(std::vector<std::string> words) const {
    if (name != "p2") {
      words.insert(words.begin(), name.substr(3));
      const auto done = test::run(words);
      CHECK(done.code == EX_USAGE);
      CHECK(done.out.empty());
      CHECK(done.err.starts_with(name + ": "));
      return done.err;
    }
    std::vector<const char*> all{"p2"};
    for (const auto& word : words) all.push_back(word.c_str());
    const auto line = CommandLine::parse(static_cast<int>(all.size()), all.data());
    return line ? std::string() : "p2: " + line.error();
  }
};

/// p2 itself, and each of its commands.
std::vector<Program> programs() {
  std::vector<Program> all{{"p2", CommandLine::options()}};
  for (const auto& command : commands())
    all.push_back({"p2 " + std::string(command.name), optionsOf(command)});
  return all;
}

bool isOnlyOneBegunBy(std::string_view start, const std::vector<CommandOption>& options) {
  return std::count_if(options.begin(), options.end(),
                       [&](const auto& option) { return option.name.starts_with(start); }) == 1;
}

}  // namespace

TEST_CASE(
    "Whatever is wrong with an option, of p2 or of a command, is said with its name and in p2's words") {
  for (const auto& program : programs()) {
    const auto says = [&](const std::vector<std::string>& words, const std::string& said) {
      CAPTURE(program.name, words);
      const auto text = program.faultOf(words);
      INFO(text);
      CHECK(has(text, ": " + said));
      CHECK(has(text, " --help "));
      CHECK_FALSE(has(text, "pecified"));  // are Poco's words
      CHECK_FALSE(has(text, "argument"));
    };
    says({"--bogus"}, "there is no option --bogus; p2 ");
    says({"--bogus=hidden"}, "there is no option --bogus; p2 ");
    says({"-x"}, "there is no option -x; p2 ");
    for (const auto& option : program.options) {
      const auto name = "--" + std::string(option.name);
      says({name + "x"}, "there is no option " + name + "x; did you mean " + name + "? p2 ");
      if (option.argument.empty()) {
        says({name + "=3"}, name + " takes no value; p2 ");
        if (!option.letter.empty()) {
          const auto letter = '-' + std::string(option.letter);
          says({letter + "3"}, letter + " takes no value; p2 ");
        }
        says({name, name}, name + " is given twice; p2 ");
        continue;
      }
      const auto needs = name + " needs " + std::string(option.argument) + "; p2 ";
      for (const auto& words : std::vector<std::vector<std::string>>{{name}, {name + '='}, {name, ""}}) {
        says(words, needs);
      }
      if (!option.letter.empty()) says({'-' + std::string(option.letter)}, needs);
      if (isOnlyOneBegunBy(option.name.substr(0, 4), program.options)) {
        says({"--" + std::string(option.name.substr(0, 4))}, needs);
      }
      says({name + "=7", name + "=7"}, name + " is given twice; p2 ");
    }
  }
}

TEST_CASE("A beginning that several options have names them") {
  const std::vector<CommandOption> options{{"host", "HOST", ""}, {"hosts", "FILE", ""}, {"port", "PORT", ""}};
  OptionReader reader(options);
  const auto ambiguous = reader.take("--ho=x");
  REQUIRE_FALSE(ambiguous.ok());
  CHECK(ambiguous.error() == "--ho may be --host or --hosts");
  const auto whole = reader.take("--host=x");
  REQUIRE(whole.ok());
  REQUIRE(whole.value());
  CHECK(whole.value()->name == "host");
  CHECK(whole.value()->value == "x");
}

TEST_CASE("Operands are told from options, and behind -- all are operands") {
  OptionReader reader({{"host", "HOST", ""}, {"yes", "", ""}});
  for (const char* word : {"a", "", "-"}) CHECK_FALSE(reader.take(word).value());
  CHECK(reader.take("--yes").value()->name == "yes");
  CHECK(reader.take("--host").value()->name.empty());
  CHECK(reader.take("--").value()->value == "--");  // is what --host waited for
  CHECK(reader.take("--").value()->name.empty());
  CHECK_FALSE(reader.take("--yes").value());
  CHECK(reader.end().ok());
}
