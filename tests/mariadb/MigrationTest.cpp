#include "ReferenceTable.h"
#include "Server.h"
#include "p2/mariadb/Migration.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr unsigned kRows = 20;

/// A fresh database with a table of that shape, whose server's collation ignores case, and rows in it.
Options freshReferenceTable(Server& server, const ReferenceShape& shape,
                            const std::string& collation = "latin1_swedish_ci") {
  auto options = server.freshDatabase();
  server.run("alter database " + options.database + " collate " + collation);
  server.run(options.database, shape.creation);
  const ReferenceService service(server, options.database);
  for (unsigned i = 0; i < kRows; ++i) {
    if (shape.hasService && i % 2 == 0) {
      service.create(imported(i));
    } else {
      service.createWithoutService(imported(i));
    }
  }
  return options;
}

MigrationPlan planned(const Options& options) {
  auto plan = planMigration(options);
  if (!plan.ok()) throw std::runtime_error(plan.error());
  return std::move(plan).value();
}

/// What is in the table, and what it is like.
std::string stateOf(const Server& server, const std::string& database) {
  std::string state;
  for (const char* statement :
       {"checksum table target", "select group_concat(token order by node) from target",
        "select group_concat(column_name, column_type, is_nullable) from"
        " information_schema.columns where table_name = 'target' and"
        " table_schema = database()",
        "select group_concat(table_name) from information_schema.tables where"
        " table_schema = database()"}) {
    for (const auto& value : server.run(database, statement)) state += value + '\n';
  }
  return state;
}

void checkHolds(const Store& store, unsigned number) {
  const auto row = imported(number);
  const auto found = lookedUp(store, row.node);
  REQUIRE(found);
  CHECK(found->secret == row.secret);
  CHECK(found->key == row.key);
  CHECK(found->domain == row.domain);
  CHECK(found->target == row.target);
  CHECK(lookedUp(store, row.key) == found);
}

/// It stops a migration as if the process had been killed there.
struct Killed {};

}  // namespace

TEST_CASE("A reference table of any shape and collation becomes p2's, and loses nobody") {
  auto& server = Server::shared();
  for (const auto& shape : kReferenceShapes) {
    for (const char* collation : {"latin1_swedish_ci", "utf8mb4_general_ci", "utf8mb4_unicode_ci"}) {
      INFO(shape.name << ", " << collation);
      const auto options = freshReferenceTable(server, shape, collation);
      CHECK_THAT(faultOfOpening(options), ContainsSubstring("p2 migrate"));
      const auto plan = planned(options);
      CHECK(plan.obstacles.empty());
      CHECK_FALSE(plan.steps.empty());
      std::vector<std::string> steps;
      REQUIRE(migrate(options, [&](const std::string& step) { steps.push_back(step); }).ok());
      CHECK(steps == plan.steps);
      const auto store = opened(options);
      for (unsigned i = 0; i < kRows; ++i) checkHolds(*store, i);
      CHECK(store->statistics().registrations == kRows);

      // A second time there is nothing to do.
      const auto state = stateOf(server, options.database);
      CHECK(planned(options).steps.empty());
      migrated(options);
      CHECK(stateOf(server, options.database) == state);
    }
  }
}

TEST_CASE("A key that must go may have any name") {
  auto& server = Server::shared();
  const auto options = freshReferenceTable(server, kReferenceShapes[1]);
  server.run(options.database, "alter table target add unique key `a``, drop key ``b` (domain(3), token(9))");
  const auto steps = planned(options).steps;
  CHECK(std::any_of(steps.begin(), steps.end(), [](const std::string& step) {
    return step.find("without a`, drop key `b") != std::string::npos;
  }));
  migrated(options);
  CHECK(faultOfOpening(options).empty());
}

TEST_CASE("The tables are made in an empty database, and stay as they are when they are there") {
  const auto options = Server::shared().freshDatabase();
  CHECK(planned(options).steps.size() == 3);
  migrated(options);
  const auto first = registered(*opened(options), device(1), "token");
  CHECK(planned(options).steps.empty());
  migrated(options);
  const auto store = opened(options);
  CHECK(store->holdsAny());
  CHECK(lookedUp(*store, first.node) == first);
}

TEST_CASE("Rows that differ in case only, or in spaces at the end, stay apart") {
  auto& server = Server::shared();
  auto options = server.freshDatabase();
  server.run("alter database " + options.database + " collate utf8mb4_general_ci");
  server.run(options.database, kReferenceShapes[1].creation);
  const ReferenceService service(server, options.database);
  std::vector<Registration> rows;
  for (const char* node : {"AbCdEfGhIjK+", "aBcDeFgHiJk+", "abcdefghijk+"}) {
    auto row = imported(static_cast<unsigned>(rows.size()));
    row.node = node;
    row.target = token(std::string("token") + node);
    rows.push_back(row);
    service.create(row);
  }
  CHECK(service.find("example.org", "ABCDEFGHIJK+").size() == 1);  // what p2 must not do
  migrated(options);
  const auto store = opened(options);
  for (const auto& row : rows) {
    CHECK(lookedUp(*store, row.node)->target == row.target);
    CHECK(service.find("example.org", row.node).front() ==
          row.target.value.reveal() + ' ' + row.secret.reveal());
  }
  CHECK_FALSE(lookedUp(*store, "ABCDEFGHIJK+"));
  CHECK(service.find("example.org", "ABCDEFGHIJK+").empty());
  CHECK_FALSE(lookedUp(*store, rows[0].node + ' '));
  CHECK(service.find("example.org", rows[0].node + ' ').empty());
}

TEST_CASE("What a table that ignores case has let in is written as p2 asks for it") {
  auto& server = Server::shared();
  const auto options = freshReferenceTable(server, kReferenceShapes[2]);
  server.run(options.database,
             "update target set service = 'fcm', device = upper(device), domain = 'Example.ORG.' where node ="
             " '" +
                 imported(3).node + "'");
  auto muc = imported(4);
  muc.key.channel = device(4, true).channel;
  server.run(options.database, "update target set channel = upper('" + muc.key.channel +
                                   "'), service = 'Apns' where node = '" + muc.node + "'");
  muc.key.service = Service::apns;
  CHECK(planned(options).steps.size() == 7);
  migrated(options);
  const auto store = opened(options);
  checkHolds(*store, 3);
  CHECK(lookedUp(*store, muc.key)->node == muc.node);
}

TEST_CASE(
    "What would lose or confuse somebody is named with its number, shows nothing, and nothing changes") {
  auto& server = Server::shared();
  const std::pair<const char*, const char*> kCases[] = {
      {"update target set node = null limit 3", "3 rows have no node."},
      {"update target set node = '' limit 1", "1 row has no node."},
      {"update target set secret = '' limit 2", "2 rows have no secret."},
      {"update target set device = '' limit 1", "1 row has no device."},
      {"update target set token = null limit 2", "2 rows have no token."},
      {"update target set domain = null limit 2", "2 rows have no domain."},
      {"update target set node = 'twice' limit 2", "1 node stands in more than one row."},
      {"update target set service = 'WNS' limit 2", "2 rows have a service that is neither"},
      {"update target set domain = 'xn--idn.example' limit 1", "1 row has a domain with xn--"},
      {"alter table target add column note int not null", "a column note that neither"},
      {"alter table target add column created timestamp null",
       "a column created that is not p2's, but timestamp."},
      {"alter table target drop column secret", "no column secret"},
      {"create table service_time (id int)", "The table service_time is not p2's."},
      {"create table serving (instance varchar(16))", "The table serving is not p2's."}};
  for (const auto& [spoil, obstacle] : kCases) {
    INFO(spoil);
    const auto options = freshReferenceTable(server, kReferenceShapes[1]);
    server.run(options.database, spoil);
    const auto state = stateOf(server, options.database);
    const auto plan = planned(options);
    REQUIRE(plan.obstacles.size() == 1);
    CHECK_THAT(plan.obstacles.front(), ContainsSubstring(obstacle));
    CHECK_THAT(plan.obstacles.front(), !ContainsSubstring("token1") && !ContainsSubstring("example.org"));
    const auto done = migrate(options, [](const std::string&) { FAIL("a step was made"); });
    REQUIRE_FALSE(done.ok());
    CHECK_THAT(done.error(), ContainsSubstring(obstacle));
    CHECK(stateOf(server, options.database) == state);
  }
}

TEST_CASE("A device with two nodes is seen whatever the case in which it is written") {
  auto& server = Server::shared();
  auto options = server.freshDatabase();
  server.run(
      options.database,
      "create table target (device varchar(40) collate latin1_bin, domain varchar(253), token varchar(255),"
      " node varchar(12), secret varchar(99))");
  const ReferenceService service(server, options.database);
  auto row = imported(1);
  service.createWithoutService(row);
  row.node = "other";
  row.key.device = "E3" + row.key.device.substr(2);
  row.secret = p2::core::Secret(std::string(70, 's'));
  server.run(options.database, "update target set device = concat('e3', substr(device, 3))");
  service.createWithoutService(row);
  const auto plan = planned(options);
  REQUIRE(plan.obstacles.size() == 2);
  CHECK_THAT(plan.obstacles[0], ContainsSubstring("1 row has a secret of more than 64 bytes"));
  CHECK_THAT(plan.obstacles[1], ContainsSubstring("1 device has more than one node."));
}

TEST_CASE("Tokens that may have been cut off are counted, and stop nothing") {
  auto& server = Server::shared();
  const auto options = freshReferenceTable(server, kReferenceShapes[1]);
  server.run(options.database, "update target set token = repeat('t', 255) limit 2");
  const auto plan = planned(options);
  CHECK(plan.obstacles.empty());
  REQUIRE(plan.remarks.size() == 1);
  CHECK_THAT(plan.remarks.front(), ContainsSubstring("2 rows have a token of 255 characters"));
  migrated(options);
  CHECK(planned(options).remarks.empty());
}

TEST_CASE("A user who may not is told so, and nothing has changed") {
  auto& server = Server::shared();
  const auto options = freshReferenceTable(server, kReferenceShapes[1]);
  server.run("revoke alter on " + options.database + ".* from 'p2'@'%'");
  const auto state = stateOf(server, options.database);
  const auto done = migrate(options, [](const std::string&) {});
  REQUIRE_FALSE(done.ok());
  CHECK_THAT(done.error(), ContainsSubstring("ALTER command denied") && ContainsSubstring("GRANT"));
  CHECK(stateOf(server, options.database) == state);
}

TEST_CASE("A migration that ends between any two steps leaves a table on which the reference service works") {
  auto& server = Server::shared();
  const auto& shape = kReferenceShapes[2];
  const auto count = planned(freshReferenceTable(server, shape)).steps.size();
  REQUIRE(count == 4);
  for (std::size_t last = 0; last < count; ++last) {
    const auto options = freshReferenceTable(server, shape);
    std::size_t step = 0;
    CHECK_THROWS_AS(migrate(options,
                            [&](const std::string&) {
                              if (step++ == last) throw Killed();
                            }),
                    Killed);
    const ReferenceService service(server, options.database);
    service.create(imported(100));
    CHECK(service.find(imported(100).key).size() == 1);
    for (unsigned i = 0; i < kRows; ++i) CHECK(service.find("example.org", imported(i).node).size() == 1);
    CHECK(planned(options).steps.size() == count - last);
    migrated(options);
    const auto store = opened(options);
    for (unsigned i = 0; i < kRows; ++i) checkHolds(*store, i);
    checkHolds(*store, 100);
  }
}

TEST_CASE("A database that dies in any step has done it or has not, and the next migration ends it") {
  Server server;
  for (std::size_t last = 0; last < 3; ++last) {
    const auto options = freshReferenceTable(server, kReferenceShapes[2]);
    server.run(options.database,
               "insert into target (device, domain, token, node, secret) select sha1(seq), 'example.org',"
               " 'token', left(sha1(-seq), 12), 'secret' from mysql.help_topic join (select"
               " help_topic_id as seq from mysql.help_topic) as numbers on seq = help_topic.help_topic_id");
    std::size_t step = 0;
    std::thread killer;
    const auto done = migrate(options, [&](const std::string&) {
      if (step++ != last) return;
      killer = std::thread([&server] {
        p2::test::eventually([&server] {
          return !server
                      .run(
                          "select 1 from information_schema.processlist where command = 'Query' and"
                          " user = 'p2'")
                      .empty();
        });
        server.kill();
      });
    });
    killer.join();
    static_cast<void>(done);  // it may have been quicker
    server.start();
    migrated(options);
    const auto store = opened(options);
    for (unsigned i = 0; i < kRows; ++i) checkHolds(*store, i);
    CHECK(store->statistics().registrations > kRows);
  }
}
