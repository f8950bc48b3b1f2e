#include "ReferenceTable.h"
#include "Server.h"
#include "app/CommandRun.h"
#include "p2/mariadb/TableReader.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/ImportAll.h"
#include "support/TemporaryFile.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <sysexits.h>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;
using p2::test::CommandInput;
using p2::test::run;
using p2::test::TemporaryFile;

namespace {

constexpr unsigned kRegistrations = 30;

Options freshTableOf(const ReferenceShape& shape) {
  auto& server = Server::shared();
  auto options = server.freshDatabase();
  server.run(options.database, shape.creation);
  const ReferenceService service(server, options.database);
  for (unsigned i = 0; i < kRegistrations; ++i) service.createWithoutService(imported(i));
  return options;
}

/// Settings that name a database, and the file with its password.
struct Installation {
  explicit Installation(const Options& options, const std::string& kind = "mariadb")
      : password(options.password.reveal() + '\n'),
        settings(
            "xmpp.jid = p.example\nxmpp.sharedSecret = s\nfcm.authKey = k\nstore.path "
            "= " +
            (directory / "store").string() + "\nstore.kind = " + kind + "\nstore.mariadb.hosts = 127.0.0.1:" +
            std::to_string(options.hosts.front().port) + "\nstore.mariadb.database = " + options.database +
            "\nstore.mariadb.passwordFile = " + password.path() + '\n') {}

  CommandInput input(const std::string& answer = "", bool terminal = false) const {
    CommandInput input;
    input.config = settings.path();
    input.text = answer;
    input.inIsTerminal = terminal;
    return input;
  }

  TemporaryDirectory directory;
  TemporaryFile password;
  TemporaryFile settings;
};

std::string urlOf(const Options& options) {
  return "--from-database=mariadb://p2@127.0.0.1:" + std::to_string(options.hosts.front().port) + '/' +
         options.database;
}

}  // namespace

TEST_CASE("p2 migrate says what it will do, and does it when it is told to") {
  const auto options = freshTableOf(kReferenceShapes[0]);
  const Installation p2(options);
  for (const auto& input : {p2.input(), p2.input("n\n", true), p2.input("", true)}) {
    const auto refused = run({"migrate"}, input);
    CHECK(refused.code == EX_USAGE);
    CHECK_THAT(refused.out, ContainsSubstring("widen the table target, of 30 rows"));
    CHECK_THAT(refused.err, ContainsSubstring("nothing was changed"));
    CHECK_FALSE(faultOfOpening(options).empty());
  }
  const auto done = run({"migrate"}, p2.input("y\n", true));
  CHECK(done.code == EX_OK);
  CHECK_THAT(done.err, ContainsSubstring("make the table service_time ..."));
  CHECK(faultOfOpening(options).empty());
  const auto again = run({"migrate", "--yes"}, p2.input());
  CHECK(again.code == EX_OK);
  CHECK_THAT(again.out, ContainsSubstring("is p2's already"));
}

TEST_CASE("p2 migrate needs no word with --yes, and does nothing where something stands in the way") {
  const auto options = freshTableOf(kReferenceShapes[1]);
  const Installation p2(options);
  Server::shared().run(options.database, "update target set node = '' limit 2");
  const auto refused = run({"migrate", "--yes"}, p2.input());
  CHECK(refused.code == EX_DATAERR);
  CHECK_THAT(refused.out, ContainsSubstring("2 rows have no node"));
  CHECK_FALSE(faultOfOpening(options).empty());
  Server::shared().run(options.database, "delete from target where node = ''");
  CHECK(run({"migrate", "--yes"}, p2.input()).code == EX_OK);
  CHECK(faultOfOpening(options).empty());

  CHECK(run({"migrate", "--yes"}, Installation(options, "lmdb").input()).code == EX_CONFIG);
  auto nowhere = options;
  nowhere.hosts.front().port = 1;
  CHECK(run({"migrate", "--yes"}, Installation(nowhere).input()).code == EX_UNAVAILABLE);
}

TEST_CASE("A table of any shape is imported from its database") {
  for (const auto& shape : kReferenceShapes) {
    INFO(shape.name);
    const auto options = freshTableOf(shape);
    const Installation p2(options, "lmdb");
    const std::vector<std::string> words{"import", urlOf(options), "--password-file=" + p2.password.path(),
                                         "--store=" + (p2.directory / "new").string()};
    const auto done = run(words);
    REQUIRE(done.code == EX_OK);
    CHECK(done.out == "30 added, 0 updated, 0 unchanged, 0 left out\n");
    CHECK(run(words).out == "0 added, 0 updated, 30 unchanged, 0 left out\n");
    const auto exported = run({"export", (p2.directory / "lines").string(), words.back()});
    const auto lines = p2::test::contentOf(p2.directory / "lines");
    for (unsigned i = 0; i < kRegistrations; ++i) {
      CHECK_THAT(lines, ContainsSubstring(imported(i).node));
      CHECK_THAT(lines, ContainsSubstring(imported(i).secret.reveal()));
    }
  }
}

TEST_CASE("What p2 has in one database comes into another as it is there") {
  auto& server = Server::shared();
  const auto options = server.freshTables();
  const auto moment = Registration::Time(std::chrono::seconds(1'500'000'000));
  auto own = imported(1, moment);
  own.target.kind = p2::core::Target::Kind::installationId;
  own.created -= std::chrono::hours(5);
  const auto changed = imported(2, moment);
  REQUIRE(p2::test::importAll(*opened(options), {own, changed}).ok());
  ReferenceService(server, options.database).update(changed.key, "fresh");
  const auto next = server.freshTables();
  const Installation p2(next);
  REQUIRE(run({"import", urlOf(options), "--password-file=" + p2.password.path()}, p2.input()).code == EX_OK);
  const auto there = opened(options), here = opened(next);
  for (const auto& row : {own, changed}) CHECK(lookedUp(*here, row.node) == lookedUp(*there, row.node));
  CHECK(lookedUp(*here, own.node) == own);
  CHECK(lookedUp(*here, changed.node)->target == token("fresh"));
}

TEST_CASE("The reference service's own settings name its database") {
  const auto options = freshTableOf(kReferenceShapes[1]);
  const Installation p2(options);
  const TemporaryFile json(R"({"dbUrl":"jdbc:mariadb://127.0.0.1:)" +
                           std::to_string(options.hosts.front().port) + '/' + options.database +
                           R"(","dbUsername":"p2","dbPassword":"it's; \"hard\" to\\say"})");
  CommandInput input;
  input.config = json.path();
  const auto store = "--store=" + (p2.directory / "new").string();
  CHECK(run({"import", "--from-reference", store}, input).out ==
        "30 added, 0 updated, 0 unchanged, 0 left out\n");
  const auto none = run({"import", "--from-reference", store}, p2.input());
  CHECK(none.code == EX_USAGE);
  CHECK_THAT(none.err, ContainsSubstring("config.json"));
}

TEST_CASE("Rows of a database that cannot be right are named by their lines, as those of a file") {
  const auto options = freshTableOf(kReferenceShapes[1]);
  Server::shared().run(options.database, "update target set token = '', node = '!' where token = 'token7'");
  Server::shared().run(options.database, "update target set domain = null where token = 'token8'");
  const Installation p2(options);
  std::vector<std::string> words{"import", urlOf(options), "--password-file=" + p2.password.path(),
                                 "--store=" + (p2.directory / "new").string()};
  const auto refused = run(words);
  CHECK(refused.code == EX_DATAERR);
  CHECK_THAT(refused.err, ContainsSubstring("line 2: its token is empty"));
  CHECK_THAT(refused.err, ContainsSubstring("its domain is missing"));
  CHECK_THAT(refused.err, ContainsSubstring("ORDER BY BINARY node' " + options.database));
  words.emplace_back("--skip-bad");
  CHECK(run(words).out == "28 added, 0 updated, 0 unchanged, 2 left out\n");
}

TEST_CASE("A database that cannot be read, or is named in a wrong way, is refused") {
  const auto options = freshTableOf(kReferenceShapes[1]);
  const Installation p2(options);
  const TemporaryFile wrong("wrong-password");
  const auto store = "--store=" + (p2.directory / "new").string();
  const auto code = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "import");
    words.push_back(store);
    const auto result = run(words);
    CHECK_THAT(result.err, !ContainsSubstring("wrong-password"));
    return result.code;
  };
  CHECK(code({urlOf(options), "--password-file=" + wrong.path()}) == EX_NOINPUT);
  CHECK(code({urlOf(options) + "_none", "--password-file=" + p2.password.path()}) == EX_NOINPUT);
  CHECK(code({urlOf(options), "--password-file=/none"}) == EX_USAGE);
  CHECK(code({"--from-database=mariadb://p2:wrong-password@127.0.0.1/" + options.database}) == EX_USAGE);
  CHECK(code({"--from-database=push"}) == EX_USAGE);
  CHECK(code({urlOf(options), "file"}) == EX_USAGE);
  CHECK(code({urlOf(options), "--from-reference"}) == EX_USAGE);
  CHECK(code({"--password-file=" + p2.password.path()}) == EX_USAGE);
  Server::shared().run(options.database, "drop table target");
  CHECK(code({urlOf(options), "--password-file=" + p2.password.path()}) == EX_NOINPUT);
}

TEST_CASE("A table whose database goes away while it is read has no end") {
  Server server;
  const auto options = server.freshTables();
  std::vector<Registration> rows;
  for (unsigned i = 0; i < 5000; ++i) rows.push_back(imported(i));
  REQUIRE(p2::test::importAll(*opened(options), rows).ok());
  // More than is on its way at a time.
  server.run(options.database, "update target set token = repeat('t', 4000)");
  auto reader = TableReader::open(options);
  REQUIRE(reader.ok());
  REQUIRE(reader.value()->next().value());
  server.kill();
  for (;;) {
    const auto row = reader.value()->next();
    if (!row.ok()) break;
    REQUIRE(row.value());
  }
}

TEST_CASE("Commands that only read do so where the database is read-only, and the others say that it is") {
  auto& server = Server::shared();
  const auto options = server.freshTables();
  REQUIRE(p2::test::importAll(*opened(options), {imported(1), imported(2)}).ok());
  const Installation p2(options);
  const Installation files(options, "lmdb");
  const auto lines = (p2.directory / "lines").string();
  server.run("set global read_only = 1");
  const auto listed = run({"list"}, p2.input());
  const auto exported = run({"export", lines}, p2.input());
  const auto moved = run({"import", urlOf(options), "--password-file=" + p2.password.path()}, files.input());
  const auto imports = run({"import", lines}, p2.input());
  const auto migrates = run({"migrate", "--yes"}, p2.input());
  const auto forgets = run({"forget", "--yes", imported(1).node}, p2.input());
  server.run("set global read_only = 0");
  CHECK(listed.code == EX_OK);
  CHECK_THAT(listed.out, ContainsSubstring(imported(1).node) && ContainsSubstring(imported(2).node));
  CHECK(exported.code == EX_OK);
  CHECK_THAT(p2::test::contentOf(lines), ContainsSubstring(imported(2).secret.reveal()));
  CHECK(moved.out == "2 added, 0 updated, 0 unchanged, 0 left out\n");
  CHECK(imports.code == EX_UNAVAILABLE);
  CHECK(migrates.code == EX_UNAVAILABLE);
  CHECK(forgets.code == EX_TEMPFAIL);  // it finds what it cannot remove
  for (const auto& refused : {imports, migrates, forgets}) {
    CHECK_THAT(refused.err, ContainsSubstring("is read-only (read_only)"));
  }
  CHECK(lookedUp(*opened(options), imported(1).node) == imported(1));
}

TEST_CASE("Who only reads asks a host that takes writes before one that does not") {
  Server replica;
  auto options = replica.freshTables();
  const auto behind = options.hosts.front();
  const auto primary = Server::shared().twinOf(options);
  replica.run("set global read_only = 1");
  options.hosts = {primary};
  REQUIRE(p2::test::importAll(*opened(options), {imported(1)}).ok());
  options.hosts = {behind, primary};
  const auto count = [&] {
    std::size_t rows = 0;
    const auto opened = Store::openReadOnly(options);
    REQUIRE(opened.ok());
    REQUIRE(opened.value()->forEach([&](const Registration&) { return ++rows > 0; }).ok());
    return rows;
  };
  CHECK(count() == 1);
  options.hosts = {behind};
  CHECK(count() == 0);
}
