#include "daemon/CommandLine.h"
#include "support/Catch.h"

#include <filesystem>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::app;

namespace {

core::Result<CommandLine> parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "p2");
  return CommandLine::parse(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("Without words p2 serves, with the settings where they are looked for") {
  const auto line = parsed({});
  REQUIRE(line.ok());
  CHECK_FALSE(line.value().config);
  CHECK_FALSE(line.value().help);
  CHECK_FALSE(line.value().version);
  CHECK(line.value().arguments.empty());
}

TEST_CASE("A settings file is known by its whole path, however it was named") {
  for (const auto& words :
       {std::vector{"--config=here/p2.properties"}, std::vector{"-c", "here/p2.properties"},
        std::vector{"--config", "here/p2.properties"}}) {
    const auto line = parsed(words);
    REQUIRE(line.ok());
    CHECK(line.value().config == std::filesystem::current_path() / "here/p2.properties");
  }
  CHECK(parsed({"--config=/etc/p2/p2.properties"}).value().config == "/etc/p2/p2.properties");
}

TEST_CASE("Help and version are asked for by either name") {
  for (const char* word : {"--help", "-h"}) CHECK(parsed({word}).value().help);
  for (const char* word : {"--version", "-V"}) CHECK(parsed({word}).value().version);
}

TEST_CASE("What a daemon of old is called with is no command") {
  const auto line = parsed({"--daemon", "--pidfile=/run/p2.pid", "--umask=027"});
  REQUIRE(line.ok());
  CHECK(line.value().arguments.empty());
}

TEST_CASE("All behind the command belongs to it") {
  const auto line = parsed({"-c", "/c", "list", "--domain=example.org", "--config=x", "-h"});
  REQUIRE(line.ok());
  CHECK(line.value().config == "/c");
  CHECK_FALSE(line.value().help);
  CHECK(line.value().arguments ==
        std::vector<std::string>{"list", "--domain=example.org", "--config=x", "-h"});
}

TEST_CASE("An option that p2 does not know, or that lacks its value, is said in words") {
  for (const auto& words : {std::vector{"--confg=x"}, std::vector{"-x"}, std::vector{"--config"},
                            std::vector{"--config="}, std::vector{"-c", ""}}) {
    CAPTURE(words[0]);
    const auto line = parsed(words);
    REQUIRE_FALSE(line.ok());
    CHECK(line.error().find("p2 --help lists what there is") != std::string::npos);
  }
}

TEST_CASE("The help names every option") {
  const auto help = CommandLine::helpText();
  for (const char* option :
       {"--config=FILE", "--help", "--version", "--daemon", "--pidfile=FILE", "--umask=MASK"}) {
    CHECK(help.find(option) != std::string::npos);
  }
}
