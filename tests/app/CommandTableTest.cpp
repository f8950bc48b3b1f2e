#include "CommandRun.h"
#include "commands/CommandTable.h"
#include "daemon/CommandLine.h"
#include "p2/settings/Parser.h"
#include "p2/store/Store.h"
#include "p2/transfer/RegistrationJson.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sysexits.h>

using namespace p2;
using namespace p2::app;
using test::run;

namespace {

store::Registration registration(const std::string& node, char digit, const std::string& domain) {
  store::Registration made;
  made.node = node;
  made.secret = core::Secret("secret-" + node);
  made.key = {store::Service::fcm, std::string(40, digit), ""};
  made.domain = domain;
  made.target.value = core::Secret("token-" + node);
  made.created = made.lastRegistered = store::Registration::Time(std::chrono::seconds(86400));
  return made;
}

/// A store with three registrations that no daemon has.
struct Filled {
  test::TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "store";
  std::string option = "--store=" + path.string();

  Filled() {
    const auto store = open();
    const std::vector<store::Registration> rows{registration("nodeA1", 'a', "a.example"),
                                                registration("nodeA2", 'b', "a.example"),
                                                registration("nodeB1", 'c', "b.example")};
    REQUIRE(p2::test::importAll(*store, rows).ok());
  }

  std::unique_ptr<store::Store> open() const {
    store::Store::Options options;
    options.path = path;
    auto store = store::Store::open(options);
    REQUIRE(store.ok());
    return std::move(store).value();
  }
  std::uint64_t count() const { return open()->statistics().registrations; }
};

}  // namespace

TEST_CASE("Every command stands in the manual with each of its options, in README and in the completions") {
  std::string manual = test::sourceOf("packaging/man/p2.8.in");
  std::erase(manual, '\\');  // \- is troff's hyphen
  const auto readme = test::sourceOf("README.md");
  const auto zsh = test::sourceOf("packaging/completion/_p2");
  const auto bash = test::sourceOf("packaging/completion/p2.bash");
  for (const auto& command : commands()) {
    const std::string name(command.name);
    CAPTURE(name);
    const auto begin = std::min(manual.find("\n.B " + name + '\n'), manual.find("\n.BI " + name + ' '));
    const auto also = std::min(begin, manual.find("\n.BR " + name + ' '));
    REQUIRE(also != std::string::npos);
    const auto paragraph = manual.substr(also, manual.find("\n.TP\n", also + 1) - also);
    CHECK(readme.find("`p2 " + name + '`') != std::string::npos);
    CHECK(zsh.find("\n  '" + name + ':') != std::string::npos);
    CHECK(bash.find(name) != std::string::npos);
    for (const auto& option : command.options) {
      CAPTURE(option.name);
      CHECK(paragraph.find("--" + std::string(option.name)) != std::string::npos);
    }
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

TEST_CASE("The help lists every command, and each explains itself") {
  const auto help = commandList();
  for (const auto& command : commands()) {
    CHECK(help.find("  " + std::string(command.name) + ' ') != std::string::npos);
    const auto done = run({std::string(command.name), "--help"});
    CHECK(done.code == EX_OK);
    CHECK(done.out.find("p2 " + std::string(command.name)) != std::string::npos);
    for (const auto& option : command.options) {
      CHECK(done.out.find("--" + std::string(option.name)) != std::string::npos);
    }
  }
}

TEST_CASE("A command's options belong to the command") {
  const char* const words[] = {"p2", "--config", "/c", "import", "--skip-bad", "FILE"};
  const auto line = CommandLine::parse(6, words);
  REQUIRE(line.ok());
  CHECK(line.value().config == "/c");
  CHECK(line.value().arguments == std::vector<std::string>{"import", "--skip-bad", "FILE"});
}

TEST_CASE("What is no command, no option or too much is wrong use, and said in words") {
  CHECK(run({"imprt"}).code == EX_USAGE);
  CHECK(run({"imprt"}).err.find("did you mean import?") != std::string::npos);
  CHECK(run({"import", "--colour"}).code == EX_USAGE);
  CHECK(run({"import", "a", "b"}).code == EX_USAGE);
  CHECK(run({"backup"}).err.find("DIRECTORY is missing") != std::string::npos);
  CHECK(run({"forget"}).code == EX_USAGE);
  CHECK(run({"forget", "node", "--domain=a.example"}).code == EX_USAGE);
}

TEST_CASE("An export is imported elsewhere as it was") {
  const Filled filled;
  const auto file = filled.directory.path() / "export.jsonl";
  REQUIRE(run({"export", filled.option, file.string()}).code == EX_OK);
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0600);

  const auto other = filled.directory.path() / "other";
  const auto imported = run({"import", "--store=" + other.string(), file.string()});
  INFO(imported.err);
  CHECK(imported.code == EX_OK);
  CHECK(imported.out == "3 added, 0 updated, 0 unchanged, 0 left out\n");
  const auto copy = store::Store::openReadOnly(other);
  REQUIRE(copy.ok());
  CHECK(copy.value()->find("nodeB1").value() == registration("nodeB1", 'c', "b.example"));
}

TEST_CASE("Rows that contradict each other are refused by line, or left out") {
  const test::TemporaryDirectory directory;
  const auto option = "--store=" + (directory.path() / "store").string();
  const auto input = transfer::toJsonLine(registration("n1", 'a', "a.example")) + '\n' +
                     transfer::toJsonLine(registration("n1", 'b', "a.example")) + '\n' +
                     transfer::toJsonLine(registration("n2", 'c', "a.example")) + '\n';
  const auto refused = run({"import", option}, {.text = input});
  CHECK(refused.code == EX_DATAERR);
  CHECK(refused.err.find("line 2: ") != std::string::npos);
  CHECK(refused.err.find("nothing was imported") != std::string::npos);
  const auto done = run({"import", option, "--skip-bad"}, {.text = input});
  CHECK(done.code == EX_OK);
  CHECK(done.out == "2 added, 0 updated, 0 unchanged, 1 left out\n");
}

TEST_CASE("An import that has nothing, or nothing to read from, is refused") {
  const test::TemporaryDirectory directory;
  const auto option = "--store=" + (directory.path() / "store").string();
  CHECK(run({"import", option}).code == EX_DATAERR);
  CHECK(run({"import", option, "/nonexistent"}).code == EX_NOINPUT);
  CHECK(run({"import", option, directory.path().string()}).code == EX_NOINPUT);
}

TEST_CASE("An import beside a daemon is refused") {
  const Filled filled;
  const auto daemon = filled.open();
  const auto done = run({"import", filled.option},
                        {.text = transfer::toJsonLine(registration("n", 'd', "a.example")) + '\n'});
  CHECK(done.code == EX_TEMPFAIL);
  CHECK(done.err.find("systemctl stop p2") != std::string::npos);
}

TEST_CASE("A list shows nodes and domains, and neither tokens nor secrets") {
  const Filled filled;
  CHECK(run({"list", filled.option}).out ==
        "nodeA1\tFCM\taccount\t1970-01-02T00:00:00Z\t1970-01-02T00:00:00Z\ta.example\n"
        "nodeA2\tFCM\taccount\t1970-01-02T00:00:00Z\t1970-01-02T00:00:00Z\ta.example\n"
        "nodeB1\tFCM\taccount\t1970-01-02T00:00:00Z\t1970-01-02T00:00:00Z\tb.example\n");
  CHECK(run({"list", filled.option}, {.outIsTerminal = true}).out.starts_with("NODE "));
  CHECK(run({"list", filled.option, "--domain=B.example"}).out.starts_with("nodeB1"));
  CHECK(run({"list", filled.option, "nodeA2"}).out.starts_with("nodeA2"));
}

TEST_CASE("A registration is forgotten by its node or the beginning of it, if that is clear") {
  const Filled filled;
  CHECK(run({"forget", filled.option, "nodeA"}).err.find("several") != std::string::npos);
  CHECK(run({"forget", filled.option, "other"}).code == EX_NOUSER);
  CHECK(filled.count() == 3);
  CHECK(run({"forget", filled.option, "nodeB"}).out == "1 removed\n");
  CHECK(run({"forget", filled.option, "nodeA1"}).out == "1 removed\n");
  CHECK(filled.count() == 1);
}

TEST_CASE("A domain is forgotten only on a clear word") {
  const Filled filled;
  CHECK(run({"forget", filled.option, "--domain=a.example"}).code == EX_USAGE);
  CHECK(filled.count() == 3);
  CHECK(run({"forget", filled.option, "--domain=A.Example", "--yes"}).out == "2 removed\n");
  CHECK(filled.count() == 1);
}

TEST_CASE("A backup is a store, and does not go over one") {
  const Filled filled;
  const auto backup = (filled.directory.path() / "backup").string();
  CHECK(run({"backup", filled.option, backup}).out == "3 registrations copied to " + backup + '\n');
  CHECK(run({"backup", filled.option, backup}).code == EX_CANTCREAT);
  CHECK(run({"list", "--store=" + backup, "nodeB1"}).out.starts_with("nodeB1"));
}

TEST_CASE("The status of a daemon that does not run says how to start it") {
  const Filled filled;
  const auto done = run({"status", filled.option});
  CHECK(done.code == EX_UNAVAILABLE);
  CHECK(done.err.find("systemctl start p2") != std::string::npos);
}
