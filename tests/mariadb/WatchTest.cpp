#include "Server.h"
#include "p2/mariadb/Inspection.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <chrono>
#include <string>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;

namespace {

HostReport inspected(const Options& options) {
  const auto reports = inspectHosts(options);
  REQUIRE(reports.size() == options.hosts.size());
  return reports.front();
}

/// A user of its own, with these rights on the database.
Options asUserWith(Options options, const std::string& rights) {
  auto& server = Server::shared();
  options.user = "p2_some";
  options.password = p2::core::Secret("some");
  server.run("create or replace user 'p2_some'@'%' identified by 'some'");
  server.run("grant " + rights + " on `" + options.database + "`.* to 'p2_some'@'%'");
  return options;
}

}  // namespace

TEST_CASE("A store that nobody asks knows within seconds that its database is back") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.timeout = 1s;
  const auto store = opened(options);
  const auto known = registered(*store, device(1), "token");
  server.kill();
  Answer<Registrations::Found> missed;
  store->lookUp(known.node, "example.org", missed.callback());
  CHECK_FALSE(missed.get().ok());
  CHECK_FALSE(registering(*store, device(1), "new").get().ok());
  CHECK_FALSE(store->lastFault().empty());
  const auto down = store->whereabouts();
  CHECK(down.place == "MariaDB, database " + options.database);
  REQUIRE(down.hosts.size() == 1);
  CHECK_THAT(down.hosts.front().fault, ContainsSubstring("cannot be used"));
  CHECK(down.faults.lost > 0);
  server.start();
  CHECK(p2::test::eventually([&] { return store->lastFault().empty(); }));
  const auto back = store->whereabouts();
  CHECK(back.hosts.front().used);
  CHECK(back.hosts.front().fault.empty());
  CHECK(back.moves == 0);
}

TEST_CASE("A store that nobody asks knows soon that its database is gone") {
  Server server;
  auto options = server.freshTables();
  options.timeout = 1s;
  const auto store = opened(options);
  SECTION("it was killed") {
    server.kill();
  }
  SECTION("it takes no writes any more") {
    server.run("set global read_only = 1");
  }
  CHECK(p2::test::eventually([&] { return !store->lastFault().empty(); }));
}

TEST_CASE("A store that starts before its database and is asked nothing knows when that serves") {
  Server server;
  const auto options = server.freshTables();
  (void)registered(*opened(options), device(1), "token");
  server.kill();
  auto started = Store::start(options);
  REQUIRE(started.ok());
  CHECK_FALSE(started.value()->lastFault().empty());
  server.start();
  CHECK(p2::test::eventually([&] { return started.value()->lastFault().empty(); }));
  CHECK(started.value()->holdsAny());
}

TEST_CASE("A database that takes no writes is known to take them again, though nothing is written") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.timeout = 1s;
  const auto store = opened(options);
  server.run("set global read_only = on");
  // Nothing but the writer meets it.
  CHECK_FALSE(registering(*store, device(1), "token").get().ok());
  CHECK_THAT(store->lastFault(), ContainsSubstring("read-only") || ContainsSubstring("read_only"));
  server.run("set global read_only = off");
  CHECK(p2::test::eventually([&] { return store->lastFault().empty(); }));
}

TEST_CASE(
    "It is known which host is used, how often that changed, and which is let alone until it can serve") {
  Server other;
  auto options = other.freshTables();
  options.hosts.push_back(Server::shared().twinOf(options));
  CHECK_THAT(remarksOn(options),
             ContainsSubstring("store.mariadb.hosts names 2: what phones register there"));
  const auto store = opened(options);
  CHECK(store->whereabouts().hosts[0].used);
  CHECK_FALSE(store->whereabouts().hosts[1].used);
  other.kill();
  CHECK(p2::test::eventually([&] { return registering(*store, device(1), "token").get().ok(); }));
  const auto moved = store->whereabouts();
  CHECK(moved.moves == 1);
  CHECK_FALSE(moved.hosts[0].fault.empty());
  CHECK(moved.hosts[1].used);
  CHECK(moved.hosts[1].fault.empty());
  other.start();
  CHECK(p2::test::eventually([&] { return store->whereabouts().hosts[0].fault.empty(); }));
  CHECK(store->whereabouts().hosts[1].used);
}

TEST_CASE("A store whose database stands still is closed in time") {
  auto& server = Server::shared();
  auto options = server.freshTables();
  options.timeout = 1s;
  auto store = opened(options);
  const auto known = registered(*store, device(1), "token");
  server.freeze(true);
  std::vector<Answer<Registrations::Found>> found(5000);
  for (const auto& answer : found) {
    auto mine = answer;
    store->lookUp(known.node, "example.org", mine.callback());
  }
  std::vector<Answer<Registration>> renewed;
  for (unsigned i = 0; i < 2000; ++i) renewed.push_back(registering(*store, device(i), "new"));
  const auto begin = std::chrono::steady_clock::now();
  store.reset();
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  server.freeze(false);
  for (const auto& answer : found) CHECK((answer.arrived() && !answer.get().ok()));
  for (const auto& answer : renewed) CHECK((answer.arrived() && !answer.get().ok()));
}

TEST_CASE("A host is looked at: its version, TLS, clock and tables") {
  const auto options = Server::shared().freshDatabase();
  auto report = inspected(options);
  CHECK(report.fault.empty());
  CHECK_FALSE(report.hasTables);
  CHECK_THAT(report.version, ContainsSubstring("MariaDB"));
  CHECK(report.nodes == 0);
  CHECK(report.cipher.empty());
  CHECK(std::chrono::abs(report.clockIsAhead) < 60s);
  CHECK_FALSE(Store::openReadOnly(options).ok());  // nothing was made

  auto encrypted = options;
  encrypted.hosts.front().name = "localhost";
  encrypted.tls = Tls::verified;
  encrypted.caFile = Server::authorityFile();
  (void)opened(encrypted);
  report = inspected(encrypted);
  CHECK(report.fault.empty());
  CHECK(report.hasTables);
  CHECK_FALSE(report.cipher.empty());
}

TEST_CASE("A host that may lose what it has committed is told of") {
  auto& server = Server::shared();
  const auto options = server.freshTables();
  CHECK_THAT(remarksOn(options), !ContainsSubstring("not good"));
  server.run("set global innodb_flush_log_at_trx_commit = 2");
  const auto remarks = remarksOn(options);
  server.run("set global innodb_flush_log_at_trx_commit = 1");
  CHECK_THAT(remarks, ContainsSubstring("not good") && ContainsSubstring("if its machine loses power"));
}

TEST_CASE("What a user may not do is named with the GRANT that gives it, and a table that does not fit") {
  const auto options = Server::shared().freshTables();
  auto report = inspected(asUserWith(options, "select, insert, delete"));
  CHECK(report.refuses);
  CHECK_THAT(report.fault, ContainsSubstring("GRANT UPDATE, CREATE TEMPORARY TABLES ON `" + options.database +
                                             "`.* TO 'p2_some'@'%'."));
  report = inspected(asUserWith(options, "create temporary tables"));
  CHECK_THAT(report.fault, ContainsSubstring("GRANT SELECT, INSERT, UPDATE, DELETE ON"));
  report = inspected(asUserWith(options, "select, insert, update, delete, create temporary tables"));
  CHECK(report.fault.empty());

  auto stranger = asUserWith(options, "select");
  Server::shared().run("revoke select on `" + options.database + "`.* from 'p2_some'@'%'");
  report = inspected(stranger);
  CHECK(report.refuses);
  CHECK_THAT(report.fault, ContainsSubstring("GRANT SELECT, INSERT"));

  Server::shared().run(options.database, "alter table target drop column kind");
  report = inspected(options);
  CHECK(report.refuses);
  CHECK_THAT(report.fault, ContainsSubstring("lacks kind"));
}
