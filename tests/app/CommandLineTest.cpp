#include "daemon/CommandLine.h"
#include "support/Catch.h"
#include "support/TemporaryDirectory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
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
  const test::TemporaryDirectory directory;
  const auto pidFile = "--pidfile=" + (directory.path() / "p2.pid").string();
  const auto line = parsed({"--daemon", pidFile.c_str(), "--umask=027"});
  REQUIRE(line.ok());
  CHECK(line.value().arguments.empty());
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("A umask that is none is told with what would be one") {
  for (const char* value : {"0", "7", "077", "0027", "777"}) {
    CAPTURE(value);
    CHECK(parsed({"--umask", value}).ok());
  }
  for (const char* value : {"99", "08", "0x1f", "-1", "u=rwx", " 27", "00027", "2 7"}) {
    CAPTURE(value);
    const auto line = parsed({"--umask", value});
    REQUIRE_FALSE(line.ok());
    CHECK(line.error() ==
          "--umask=" + std::string(value) + " is not an octal number of up to four digits, such as 027");
  }
}

TEST_CASE("A file for the process id that cannot be written is told with the remedy") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  std::ofstream(file) << "1";
  const auto faultOf = [&](const std::filesystem::path& path) {
    const auto word = "--pidfile=" + path.string();
    const auto line = parsed({word.c_str()});
    if (line) return std::string();
    CHECK(line.error().starts_with(word + " cannot be written: "));
    return line.error().substr(word.size() + std::string(" cannot be written: ").size());
  };
  CHECK(faultOf(file).empty());  // of a daemon that was killed
  CHECK(faultOf(directory.path() / "new").empty());
  CHECK(faultOf(directory.path()) == "it is a directory; name a file in it");
  CHECK(faultOf(directory.path() / "none/p2.pid") == "create its directory");
  CHECK(faultOf(file / "p2.pid") == "create its directory");
  if (::geteuid() == 0) return;  // root may write anywhere
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  CHECK(faultOf(file) == "give " + file.string() + " to the user that p2 runs as, or name another file");
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
