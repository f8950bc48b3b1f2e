#include "CommandRun.h"
#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"
#include "p2/core/Version.h"
#include "p2/settings/Parser.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"
#include "support/TemporaryDirectory.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using namespace p2::app;
using test::run;

namespace {

/// The directory in which a test works, and then no longer.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::filesystem::path& directory) {
    std::filesystem::create_directory(directory);
    std::filesystem::current_path(directory);
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  ~WorkingDirectory() { std::filesystem::current_path(_before); }

 private:
  const std::filesystem::path _before = std::filesystem::current_path();
};

}  // namespace

TEST_CASE("Every command stands in README") {
  const auto readme = test::sourceOf("README.md");
  for (const auto& command : commands()) {
    CAPTURE(command.name);
    CHECK(test::has(readme, "`p2 " + std::string(command.name) + '`'));
  }
}

TEST_CASE("The version names the libraries that p2 runs with, each with a number") {
  const auto shown = run({"version"});
  REQUIRE(shown.code == EX_OK);
  std::istringstream lines(shown.out);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(line == "p2 " + std::string(core::kVersion));
  for (const std::string name : {"OpenSSL", "Poco", "LMDB", "MariaDB Connector/C", "libpsl"}) {
    REQUIRE(std::getline(lines, line));
    CHECK(std::regex_match(line, std::regex(name + R"( \d+\.\d+\.\d+[a-z]?)")));
  }
}

TEST_CASE("The settings are shown as they could stand in the file, without secrets") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "p2.properties";
  std::ofstream(directory.path() / "sa.json") << "{}";
  std::ofstream(file)
      << "xmpp.jid = push.example.org\nxmpp.sharedSecret = s3cret\nfcm.serviceAccountFile = sa.json\n"
         "push.deadline = 20s\nfcm.proxy = http://user:hidden@proxy.example:3128\n"
         "logging.loggers.root.channel = standard\n";
  const auto shown = [&](std::vector<std::string> words) {
    std::istringstream in;
    std::ostringstream out, err;
    Console console{in, out, err};
    CHECK(runCommand(words, file, console) == EX_OK);
    return out.str();
  };
  const auto all = shown({"settings"});
  for (const char* const line : {"\nxmpp.jid = push.example.org\n", "\nxmpp.sharedSecret = ***\n",
                                 "\nfcm.proxy = ***\n", "\npush.deadline = 20s\n", "\n#push.queue = 20000\n",
                                 "\n#fcm.ttl =\n", "\nlogging.loggers.root.channel = standard\n"}) {
    CAPTURE(line);
    CHECK(all.find(line) != std::string::npos);
  }
  CHECK(all.find("s3cret") == std::string::npos);
  CHECK(all.find("hidden") == std::string::npos);
  const auto changed = shown({"settings", "--changed"});
  CHECK(changed.find("#push.queue") == std::string::npos);
  CHECK(changed.find("push.deadline = 20s") != std::string::npos);

  const auto reread =
      settings::parse({changed, false}, "f", {}, [](const std::filesystem::path&, std::size_t) {
        return core::Result<settings::FileContent>(settings::FileContent{"{}", false});
      });
  REQUIRE(reread.faults.size() == 1);  // the proxy's address is a secret
  CHECK(reread.faults[0].find("fcm.proxy") != std::string::npos);
}

TEST_CASE("Each setting that is given is shown with its value, and what is shown is read again as the same") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "p2.properties";
  const std::map<std::string, std::string> given{{"xmpp.jid", "push.example.org"},
                                                 {"xmpp.sharedSecret", "s3cret"},
                                                 {"xmpp.port", "5348"},
                                                 {"fcm.authKey", "AAAAkey"},
                                                 {"fcm.ttl", "1d"},
                                                 {"fcm.priority", "normal"},
                                                 {"push.spacing", "3s"},
                                                 {"store.expireAfter", "90d"},
                                                 {"limits.pushesPerSecond", "7"},
                                                 {"http.listen", "127.0.0.1:1234"},
                                                 {"limits.denyDomains", "a.example"},
                                                 {"logging.level", "debug"}};
  const auto shown = [&](const std::string& text) {
    std::ofstream(file) << text;
    const auto done = run({"settings", "--changed"}, {.config = file});
    INFO(done.err);
    CHECK(done.code == EX_OK);
    return done.out;
  };
  std::string text;
  for (const auto& [key, value] : given) text += key + " = " + value + '\n';
  const auto once = shown(text);
  for (const auto& [key, value] : given) {
    CAPTURE(key);
    const bool isSecret = key == "xmpp.sharedSecret" || key == "fcm.authKey";
    CHECK(test::has(once, '\n' + key + " = " + (isSecret ? "***" : value) + '\n'));
  }
  CHECK(shown(once) == once);
  std::ofstream(file) << text << "xmpp.prot = 1\n";
  const auto wrong = run({"settings"}, {.config = file});
  CHECK(wrong.code == EX_CONFIG);
  CHECK(test::has(wrong.err, "xmpp.port"));  // is what was meant
  CHECK(wrong.out.empty());
}

TEST_CASE("The help lists every command, and each explains itself") {
  const auto help = commandList();
  for (const auto& command : commands()) {
    const auto line = help.find("\n  " + std::string(command.name) + "  ");
    REQUIRE(line != std::string::npos);
    CHECK(help.find(command.summary, line) - line ==
          1 + help.find(commands().front().summary) - help.find("  " + std::string(commands().front().name)));
    const auto done = run({std::string(command.name), "--help"});
    CHECK(done.code == EX_OK);
    CHECK(done.out.find("p2 " + std::string(command.name)) != std::string::npos);
    for (const auto& option : command.options) {
      CHECK(done.out.find("--" + std::string(option.name)) != std::string::npos);
    }
  }
}

TEST_CASE("The usage lines of p2 and of its commands have one form, without a blank at the end") {
  std::map<std::string, std::string> helps{{"p2 [OPTION...] [COMMAND]", CommandLine::helpText()}};
  for (const auto& command : commands()) {
    auto usage = "p2 " + std::string(command.name) + " [@NAME] [OPTION...]";
    if (const auto& name = std::string(command.operands.name); !name.empty()) {
      usage += command.operands.least > 0 ? ' ' + name : " [" + name + ']';
    }
    helps.emplace(std::move(usage), helpText(command));
  }
  CHECK(helps.contains("p2 push [@NAME] [OPTION...] NODE"));
  CHECK(helps.contains("p2 list [@NAME] [OPTION...] [NODE]"));
  CHECK(helps.contains("p2 status [@NAME] [OPTION...]"));
  for (const auto& [usage, help] : helps) {
    CAPTURE(help);
    CHECK(help.starts_with("usage: " + usage + '\n'));
  }
}

TEST_CASE("A command's options belong to the command") {
  const char* const words[] = {"p2", "--config", "/c", "import", "--skip-bad", "FILE"};
  const auto line = CommandLine::parse(6, words);
  REQUIRE(line.ok());
  CHECK(line.value().config == "/c");
  CHECK(line.value().arguments == std::vector<std::string>{"import", "--skip-bad", "FILE"});
}

TEST_CASE("Whatever a command is called with, it ends with a code, and says why in its own name") {
  const test::TemporaryDirectory directory;
  const auto config = directory.path() / "p2.properties";
  const WorkingDirectory work(directory.path() / "work");  // the stores that are named go there
  const std::vector<std::string> names{"setup",  "settings", "status", "list", "forget",
                                       "import", "export",   "backup", "",     "--help"};
  const std::vector<std::string> words{"",          "-",          "--",          "---",    "-x",
                                       "--=",       "--store",    "--store=",    "--yes",  "--yes=no",
                                       "--domain=", "--domain",   "node",        "nodes",  "..",
                                       "--help=1",  "--skip-bad", "--jid=a@b",   "-c",     "--config=none",
                                       "\xff\xfe",  "--stor",     "--json=true", "a b\nc", "@",
                                       "@../x",     "@x"};
  std::minstd_rand random(7);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> call{names[random() % names.size()]};
    for (auto count = random() % 4; count > 0; --count) call.push_back(words[random() % words.size()]);
    CAPTURE(call);
    const auto done = run(call, {.config = config});
    CHECK(done.code >= EX_OK);
    CHECK((done.code == EX_OK || done.code >= EX_USAGE));
    CHECK(done.code <= EX_CONFIG);
    if (done.code != EX_OK) CHECK(done.err.starts_with("p2"));
    CHECK_FALSE(std::filesystem::exists(config));
  }
}

TEST_CASE("What is no command, no option or too much is wrong use, and said in words") {
  CHECK(run({"imprt"}).code == EX_USAGE);
  CHECK(run({"imprt"}).err.find("did you mean import?") != std::string::npos);
  CHECK(run({"import", "--colour"}).code == EX_USAGE);
  CHECK(run({"import", "a", "b"}).code == EX_USAGE);
  CHECK(run({"backup"}).err.find("DIRECTORY is missing") != std::string::npos);
  CHECK(run({"forget"}).code == EX_USAGE);
  for (const auto* command : {"backup", "export", "forget", "import", "list", "push"}) {
    CAPTURE(command);
    CHECK(run({command, ""}).code == EX_USAGE);
    CHECK(test::has(run({command, ""}).err, "an argument is empty"));
  }
  CHECK(run({"forget", "node", "--domain=a.example"}).code == EX_USAGE);
}

TEST_CASE(
    "@NAME in front of the operands takes the place of --config, and must be a name that has settings") {
  const auto none = run({"check", "@no-such-p2"});
  CHECK(none.code == EX_CONFIG);
  CHECK(test::has(none.err, "there is no p2@no-such-p2, as /etc/p2/no-such-p2.properties does not exist; "));
  CHECK(none.err.ends_with(".\n"));
  for (const auto& command : commands()) {
    CAPTURE(command.name);
    const std::string name(command.name);
    for (const std::string wrong :
         {"@", "@p2", "@..", "@../etc/passwd", "@a/b", "@A", "@-a", "@a b", "@a.b"}) {
      CAPTURE(wrong);
      CHECK(run({name, wrong}).code == EX_USAGE);
    }
    CHECK(run({name, "@no-such-p2", "--help"}).code == EX_OK);
    CHECK(test::has(run({name, "@no-such-p2", "--config=/none"}).err, "give one of them"));
    CHECK(test::has(run({name, "@no-such-p2"}, {.config = "/none"}).err, "give one of them"));
  }
  CHECK(test::has(run({"push", "@no-such-p2"}).err, "NODE is missing"));
  CHECK(test::has(run({"@work", "check"}).err, "p2 check @work"));
}
