#include "CommandRun.h"
#include "Installation.h"
#include "commands/NodeSearch.h"
#include "lmdb/RawStore.h"
#include "p2/lmdb/Store.h"
#include "p2/transfer/RegistrationJson.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/Has.h"
#include "support/ImportAll.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;
using lmdb::test::putRaw;
using test::contentOf;
using test::has;
using test::registrationOf;
using test::run;

namespace {

store::Registration registration(const std::string& node, char digit, const std::string& domain) {
  auto made = registrationOf(node, domain);
  made.key.device = std::string(40, digit);
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

  std::unique_ptr<lmdb::Store> open() const { return test::openStore(path); }
  std::uint64_t count() const { return open()->statistics().registrations; }
};

}  // namespace

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
  const auto copy = lmdb::Store::openReadOnly(other);
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

TEST_CASE(
    "What is wrong with an import is said by line, in words that fit their number, and nothing is imported") {
  struct Row {
    const char* what;
    std::string text;
    std::vector<const char*> said;
  };
  const auto good = transfer::toJsonLine(registration("n1", 'a', "a.example")) + '\n';
  const std::string header = "service\tdevice\tchannel\tdomain\ttoken\tnode\tsecret\n";
  const std::vector<Row> rows{
      {"nothing", "", {"the input"}},
      {"no format that p2 knows", "hello\nworld\n", {"the input"}},
      {"a table without rows", header, {"holds no registration"}},
      {"one bad line",
       good + "{}\n",
       {"line 2: ", "1 line is bad", "Correct it, or leave it out with --skip-bad"}},
      {"two bad lines",
       good + "{}\n" + "[]\n",
       {"line 2: ", "line 3: ", "2 lines are bad", "Correct them, or leave them out"}},
      {"JSON cut short", good.substr(0, good.size() / 2), {"line 1"}},
      {"a line too long", good + std::string(1 << 20, 'x') + '\n', {"line 2: "}},
      {"bytes of no text", good + "\xff\xfe\n", {"line 2: "}}};
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const test::TemporaryDirectory directory;
    const auto option = "--store=" + (directory.path() / "store").string();
    const auto done = run({"import", option}, {.text = row.text});
    CHECK(done.code == EX_DATAERR);
    CHECK(done.out.empty());
    for (const auto* words : row.said) {
      CAPTURE(words, done.err);
      CHECK(has(done.err, words));
    }
    CHECK_FALSE(has(done.err, "token-n1"));
    CHECK_FALSE(has(done.err, "secret-n1"));
    CHECK(run({"list", option}).out.empty());
  }
}

TEST_CASE("An import of bad lines alone imports nothing, with --skip-bad too") {
  const test::TemporaryDirectory directory;
  const auto option = "--store=" + (directory.path() / "store").string();
  const auto good = transfer::toJsonLine(registration("n1", 'a', "a.example")) + '\n';
  const auto bad = run({"import", option, "--skip-bad"}, {.text = good.substr(0, 20) + "\n{}\n"});
  CHECK(bad.code == EX_DATAERR);
  CHECK(has(bad.err, "nothing was imported: 2 lines are bad, and the input holds no other."));
}

TEST_CASE("An import that imports nothing leaves behind what was there before, and no empty store") {
  const auto good = transfer::toJsonLine(registration("n1", 'a', "a.example")) + '\n';
  const auto head = "service\tdevice\tchannel\tdomain\ttoken\tnode\tsecret\n";
  const std::vector<std::string> inputs{"", "\n", head, good + "{}\n", "{}\n", good.substr(0, 20), "no dump"};
  struct Before {
    const char* name;
    bool directory, other, store;
  };
  for (const auto& before :
       {Before{"nothing", false, false, false}, Before{"a directory", true, false, false},
        Before{"another file", true, true, false}, Before{"a store", true, false, true}}) {
    for (const auto& input : inputs) {
      CAPTURE(before.name, input);
      const test::TemporaryDirectory directory;
      const auto path = directory.path() / "store";
      if (before.directory) std::filesystem::create_directory(path);
      if (before.other) std::ofstream(path / "other") << "x";
      if (before.store) (void)test::openStore(path);
      const auto done = run({"import", "--store=" + path.string()}, {.text = input});
      CHECK(done.code == EX_DATAERR);
      CHECK(std::filesystem::exists(path) == before.directory);
      CHECK(std::filesystem::exists(path / "data.mdb") == before.store);
      CHECK(std::filesystem::exists(path / "other") == before.other);
      if (before.directory && !before.other && !before.store) CHECK(std::filesystem::is_empty(path));
      const auto then = run({"import", "--store=" + path.string()}, {.text = good});
      CHECK(then.code == EX_OK);
      CHECK(test::openStore(path)->statistics().registrations == 1);
    }
  }
}

TEST_CASE("An import that is run again changes what is newer, and nothing else") {
  const test::TemporaryDirectory directory;
  const auto option = "--store=" + (directory.path() / "store").string();
  auto row = registration("n1", 'a', "a.example");
  const auto import = [&] {
    return run({"import", option, "-"}, {.text = transfer::toJsonLine(row) + '\n'}).out;
  };
  CHECK(import() == "1 added, 0 updated, 0 unchanged, 0 left out\n");
  CHECK(import() == "0 added, 0 updated, 1 unchanged, 0 left out\n");
  row.target.value = core::Secret("newer-token");
  row.lastRegistered += 24h;
  CHECK(import() == "0 added, 1 updated, 0 unchanged, 0 left out\n");
  row.target.value = core::Secret("older-token");
  row.lastRegistered -= 48h;
  CHECK(import() == "0 added, 0 updated, 1 unchanged, 0 left out\n");
  const auto there = lmdb::Store::openReadOnly(directory.path() / "store");
  REQUIRE(there.ok());
  CHECK(there.value()->find("n1").value()->target.value.reveal() == "newer-token");
}

TEST_CASE("Rows without a date are as old as their file") {
  const test::TemporaryDirectory directory;
  const auto file = directory.path() / "dump.tsv";
  const auto path = directory.path() / "store";
  std::ofstream(file) << "service\tdevice\tchannel\tdomain\ttoken\tnode\tsecret\nFCM\t" +
                             std::string(40, 'a') + "\t\ta.example\ttoken\tn1\tsecret\n";
  const timespec times[2] = {{1000000, 0}, {1000000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
  REQUIRE(run({"import", "--store=" + path.string(), file.string()}).code == EX_OK);
  const auto there = lmdb::Store::openReadOnly(path);
  REQUIRE(there.ok());
  CHECK(there.value()->find("n1").value()->lastRegistered == store::Registration::Time(1000000s));
}

TEST_CASE("Where the settings keep no domain an import stores none") {
  test::Installation p2;
  p2.values["store.keepDomain"] = "false";
  const auto done =
      p2.run({"import"}, {.text = transfer::toJsonLine(registration("n1", 'a', "a.example")) + '\n'});
  INFO(done.err);
  REQUIRE(done.code == EX_OK);
  CHECK(p2.open()->find("n1").value()->domain.empty());
  CHECK(has(p2.run({"list"}).out, "\t-\n"));
}

TEST_CASE("A command whose settings are wrong names the faults, and that --store does without them") {
  test::Installation p2;
  p2.values["push.deadline"] = "soon";
  p2.add({registrationOf("nodeA1")});
  const std::vector<std::vector<std::string>> calls{{"list"},   {"export"}, {"forget", "nodeA1"},
                                                    {"status"}, {"import"}, {"backup", "b"}};
  for (const auto& words : calls) {
    CAPTURE(words);
    const auto done = p2.run(words);
    CHECK(done.code == EX_CONFIG);
    CHECK(has(done.err, "push.deadline"));
    CHECK(has(done.err, "--store=DIRECTORY"));
    CHECK(done.out.empty());
  }
  CHECK(p2.run({"list", "--store=" + p2.store.string()}).out.starts_with("nodeA1"));
  CHECK(p2.run({"list", "--store="}).code == EX_USAGE);
}

TEST_CASE(
    "Every command that reads the store says when there is none, or a file in its place, and ends alike") {
  const test::Installation p2;
  const std::vector<std::vector<std::string>> calls{
      {"list"},           {"export"},           {"backup", (p2.directory.path() / "copy").string()},
      {"push", "nodeA1"}, {"forget", "nodeA1"}, {"forget", "--yes", "--domain=a.example"}};
  const auto allSay = [&](const std::string& said) {
    for (const auto& words : calls) {
      CAPTURE(words);
      const auto done = p2.run(words);
      INFO(done.err);
      CHECK(done.code == EX_NOINPUT);
      CHECK(done.err.starts_with("p2 " + words.front() + ": the store " + p2.store.string() + ' ' + said));
      CHECK(done.out.empty());
    }
  };
  allSay("holds no registrations");
  CHECK_FALSE(std::filesystem::exists(p2.store));
  std::ofstream(p2.store) << "x";
  allSay("is not a directory, but a file");
  const auto imported = p2.run({"import"}, {.text = transfer::toJsonLine(registrationOf("nodeA1")) + '\n'});
  CHECK(imported.code == EX_CANTCREAT);
  CHECK(has(imported.err, "is not a directory, but a file"));
}

TEST_CASE("Records that cannot be read are named, and keep nobody from the others") {
  const Filled filled;
  putRaw(filled.path, "targets", "nodeA2", "nonsense");
  const auto list = run({"list", filled.option});
  CHECK(list.code == EX_OK);
  CHECK(list.out.starts_with("nodeA1"));
  CHECK(has(list.out, "nodeB1"));
  CHECK(has(list.err, "1 record cannot be read (nodeA2)"));
  CHECK(has(list.err, "p2 forget NODE removes it"));
  const auto file = filled.directory.path() / "export.jsonl";
  const auto exported = run({"export", filled.option, file.string()});
  CHECK(exported.code == EX_DATAERR);
  CHECK(has(exported.err, "left out: 1 record cannot be read (nodeA2)"));
  const auto text = contentOf(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(run({"forget", filled.option, "nodeA2"}).out == "1 removed\n");
  CHECK(run({"export", filled.option, file.string()}).code == EX_OK);
}

TEST_CASE(
    "Of many records that cannot be read the first five are named, in characters that a terminal shows") {
  app::UnreadableRecords records;
  CHECK(records.text().empty());
  records.add("a\x1b[2Jb", "It is of a newer p2.");
  CHECK(records.text() ==
        "1 record cannot be read (a?[2Jb): It is of a newer p2. Its phone mends it by registering again; p2 "
        "forget "
        "NODE removes it.");
  for (int n = 2; n <= 1200; ++n) records.add("n" + std::to_string(n), "Another reason.");
  CHECK(records.count() == 1200);
  CHECK(
      has(records.text(), "1,200 records cannot be read (a?[2Jb, n2, n3, n4, n5, …): It is of a newer p2."));
}

TEST_CASE("A node is found by its first four characters or more, if only one begins so") {
  const test::TemporaryDirectory directory;
  lmdb::Store::Options options;
  options.path = directory.path() / "store";
  {
    const auto store = lmdb::Store::open(options);
    REQUIRE(store.ok());
    REQUIRE(p2::test::importAll(*store.value(), {registrationOf("abcd1"), registrationOf("abcd12"),
                                                 registrationOf("abce"), registrationOf("zzzz9")})
                .ok());
  }
  putRaw(options.path, "targets", "hurt1", "nonsense");
  const auto store = lmdb::Store::openReadOnly(options.path);
  REQUIRE(store.ok());
  const auto found = [&](std::string_view node) {
    auto result = findNode(*store.value(), node);
    return result ? std::move(result).value() : result.error().substr(0, result.error().find(' '));
  };
  CHECK(found("abcd1") == "abcd1");  // though another one begins so
  CHECK(found("abcd12") == "abcd12");
  CHECK(found("abcd") == "several");
  CHECK(found("abc") == "no");
  CHECK(found("abce") == "abce");
  CHECK(found("zzzz") == "zzzz9");
  CHECK(found("zzzz99") == "no");
  CHECK(found("") == "no");
  CHECK(found("hurt") == "hurt1");
  CHECK(findByNode(*store.value(), "zzzz").value().node == "zzzz9");
  CHECK_FALSE(findByNode(*store.value(), "hurt").ok());
  CHECK_FALSE(findByNode(*store.value(), "abcd").ok());
}

TEST_CASE("Among any nodes the search finds what a plain look at each would find") {
  std::minstd_rand random(7);
  const auto word = [&random](std::size_t most) {
    std::string made;
    for (auto length = 1 + random() % most; length > 0; --length)
      made += static_cast<char>('a' + random() % 2);
    return made;
  };
  for (int round = 0; round < 20; ++round) {
    const test::TemporaryDirectory directory;
    lmdb::Store::Options options;
    options.path = directory.path() / "store";
    std::set<std::string> nodes;
    while (nodes.size() < 30) nodes.insert(word(8));
    {
      std::vector<store::Registration> rows;
      for (const auto& node : nodes) rows.push_back(registrationOf(node));
      const auto store = lmdb::Store::open(options);
      REQUIRE(store.ok());
      REQUIRE(p2::test::importAll(*store.value(), rows).ok());
    }
    const auto store = lmdb::Store::openReadOnly(options.path);
    REQUIRE(store.ok());
    for (int n = 0; n < 200; ++n) {
      const auto wanted = word(9);
      CAPTURE(wanted);
      std::vector<std::string> beginning;
      for (const auto& node : nodes) {
        if (wanted.size() >= 4 && node.starts_with(wanted)) beginning.push_back(node);
      }
      if (nodes.count(wanted) > 0) beginning = {wanted};
      const auto found = findByNode(*store.value(), wanted);
      CHECK(found.ok() == (beginning.size() == 1));
      if (found) CHECK(found.value().node == beginning.front());
      if (!found) CHECK(has(found.error(), beginning.empty() ? "no registration" : "several"));
    }
  }
}

TEST_CASE("Half an export is nobody's: it takes the place of the old one when it is whole, or not at all") {
  const Filled filled;
  const auto file = filled.directory.path() / "export.jsonl";
  std::ofstream(file) << "of before";
  REQUIRE(run({"export", filled.option, file.string()}).code == EX_OK);
  CHECK(contentOf(file).starts_with('{'));
  const auto nowhere = run({"export", filled.option, (filled.directory.path() / "none" / "x").string()});
  CHECK(nowhere.code == EX_CANTCREAT);
  CHECK(has(nowhere.err, "cannot be created"));
  const auto none = run({"export", "--store=" + (filled.directory.path() / "none").string()});
  CHECK(none.code == EX_NOINPUT);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(filled.directory.path())) {
    files += entry.is_regular_file() ? 1 : 0;
  }
  CHECK(files == 1);
}

TEST_CASE("An export to stdout that cannot be written fails and says so") {
  const Filled filled;
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const int before = ::dup(STDOUT_FILENO);
  REQUIRE(full >= 0);
  REQUIRE(::dup2(full, STDOUT_FILENO) >= 0);
  const auto done = run({"export", filled.option});
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  ::close(full);
  CHECK(done.code == EX_IOERR);
  CHECK(has(done.err, "stdout cannot be written (No space left on device)"));
}
