#include "Records.h"
#include "ReferenceTable.h"
#include "Server.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <chrono>
#include <string>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A table that the reference service has made and p2 has widened, in a database that ignores case.
Options widenedTable() {
  auto& server = Server::shared();
  auto options = server.freshDatabase();
  server.run("alter database " + options.database + " collate utf8mb4_general_ci");
  server.run(options.database, kReferenceShapes[1].creation);
  migrated(options);
  return options;
}

std::string nodeAndSecret(const Registration& row) {
  return row.node + ' ' + row.secret.reveal();
}

std::string tokenAndSecret(const Registration& row) {
  return row.target.value.reveal() + ' ' + row.secret.reveal();
}

Registration::Time now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::uint64_t expired(Store& store, std::chrono::seconds after) {
  Answer<RegistrationArchive::Swept> answer;
  store.removeExpired(after, 1000, answer.callback());
  return answer.value().changed;
}

}  // namespace

TEST_CASE("What the reference service writes p2 sees at once, and the other way round") {
  const auto options = widenedTable();
  const ReferenceService service(Server::shared(), options.database);
  const auto store = opened(options);

  // It registers a phone: p2 pushes to it, and knows it when it registers here.
  const auto theirs = imported(1);
  service.create(theirs);
  auto seen = lookedUp(*store, theirs.node);
  REQUIRE(seen);
  CHECK(seen->key == theirs.key);
  CHECK(seen->secret == theirs.secret);
  CHECK(seen->target == theirs.target);
  CHECK(seen->admits("example.org"));
  CHECK(seen->lastRegistered + 1h > now());
  CHECK(registered(*store, theirs.key, "token1") == *seen);

  // p2 registers one: it pushes to it, and knows it.
  const auto ours = registered(*store, device(2), "token2");
  CHECK(service.find("example.org", ours.node) == ReferenceService::Values{tokenAndSecret(ours)});
  CHECK(service.find(ours.key) == ReferenceService::Values{nodeAndSecret(ours)});
  const auto room = registered(*store, device(2, true), "token2");
  CHECK(service.find(room.key) == ReferenceService::Values{nodeAndSecret(room)});

  // A token that changes at either is the other's.
  service.update(ours.key, "token3");
  CHECK(lookedUp(*store, ours.node)->target == token("token3"));
  CHECK(lookedUp(*store, room.node)->target == token("token2"));
  CHECK(registered(*store, theirs.key, "token4").node == theirs.node);
  CHECK(service.find("example.org", theirs.node).front() == "token4 " + theirs.secret.reveal());

  // A second phone of the same device is none, whoever comes first.
  CHECK_THROWS_WITH(service.create(theirs), ContainsSubstring("Duplicate entry"));

  // What one takes back is gone for the other.
  service.remove(theirs.key);
  CHECK_FALSE(lookedUp(*store, theirs.node));
  CHECK(unregistered(*store, ours.key));
  CHECK(service.find("example.org", ours.node).empty());
}

TEST_CASE("A domain in Unicode is the same text for both") {
  const auto options = widenedTable();
  const ReferenceService service(Server::shared(), options.database);
  const auto store = opened(options);
  auto theirs = imported(1);
  theirs.domain = "b\u00fccher.example";
  service.create(theirs);
  CHECK(lookedUp(*store, theirs.node)->domain == theirs.domain);
  const auto ours = registered(*store, device(2), "token", theirs.domain);
  CHECK(service.find(theirs.domain, ours.node).size() == 1);
  CHECK(service.find("bucher.example", ours.node).empty());
}

TEST_CASE("Version 0.3, which knows neither services nor channels, works on the table too") {
  const auto options = widenedTable();
  const ReferenceService service(Server::shared(), options.database);
  service.createWithoutService(imported(1));
  CHECK(lookedUp(*opened(options), imported(1).key)->node == imported(1).node);
}

TEST_CASE("Whose token the reference service has changed is registered with it, since then") {
  const auto options = widenedTable();
  const ReferenceService service(Server::shared(), options.database);
  const auto store = opened(options);
  auto old = imported(1, now() - 1000h);
  old.target = {p2::core::Target::Kind::installationId, p2::core::Secret("installation")};
  REQUIRE(p2::test::importAll(*store, {old}).ok());
  CHECK(lookedUp(*store, old.node) == old);

  service.update(old.key, "installation");  // as it was
  CHECK(lookedUp(*store, old.node) == old);
  service.update(old.key, "fresh");
  const auto seen = lookedUp(*store, old.node).value();
  CHECK(seen.target == token("fresh"));
  CHECK(seen.created == old.created);
  CHECK(seen.lastRegistered + 1h > now());

  // An import of what was before does not undo it.
  const auto again = p2::test::importAll(*store, {old});
  CHECK(again.value().unchanged == 1);
  CHECK(lookedUp(*store, old.node) == seen);

  SECTION("what p2 changes after that leaves kind and date alone") {
    Answer<RegistrationArchive::Swept> dropped;
    store->dropDomains(dropped.callback());
    CHECK(dropped.value().changed == 1);
    auto left = seen;
    left.domain.clear();
    CHECK(lookedUp(*store, old.node) == left);
    Answer<bool> replaced;
    store->replaceTarget(old.node, seen.target, old.target, replaced.callback());
    CHECK(replaced.value());
    left.target = old.target;
    CHECK(lookedUp(*store, old.node) == left);
  }
  SECTION("a later import counts again") {
    auto later = old;
    later.lastRegistered = now() + 1h;
    REQUIRE(p2::test::importAll(*store, {later}).value().updated == 1);
    CHECK(lookedUp(*store, old.node) == later);
  }
}

TEST_CASE("Whose token the reference service has changed does not expire yet") {
  auto options = widenedTable();
  HandClock clock;
  clock.set(now() - 1000h);
  options.clock = &clock;
  const ReferenceService service(Server::shared(), options.database);
  const auto store = opened(options);
  const auto one = registered(*store, device(1), "token1");
  const auto other = registered(*store, device(2), "token2");
  store->setServing(true);
  clock.advance(1000h);
  service.update(one.key, "fresh");
  clock.advance(10h);
  CHECK(expired(*store, 500h) == 1);
  CHECK(lookedUp(*store, one.node)->target == token("fresh"));
  CHECK_FALSE(lookedUp(*store, other.node));
  clock.advance(500h);
  CHECK(expired(*store, 500h) == 1);
}

TEST_CASE("What either of them asks the table is found by a key") {
  const auto options = widenedTable();
  const auto store = opened(options);
  std::vector<Registration> rows;
  for (unsigned i = 0; i < 2000; ++i) rows.push_back(imported(i));
  REQUIRE(p2::test::importAll(*store, rows).ok());
  Server::shared().run(options.database, "analyze table target");
  const std::vector<std::string> nodes{rows[1].node, rows[7].node, "none"};
  const auto byDevice = "where device = " + textLiteral(rows[1].key.device) +
                        " and channel = " + textLiteral("") + " and service = " + textLiteral("FCM");
  const auto all = "select " + columnsNow() + " from target ";
  const std::pair<std::string, const char*> kStatements[] = {
      {all + "where node in " + listOf(nodes), "PRIMARY"},
      {all + "where node in " + listOf(std::vector{nodes[0]}), "PRIMARY"},
      {all + "where node > " + textLiteral(rows[1].node) + " order by node limit 100", "PRIMARY"},
      {all + "force index (device) " + byDevice, "device"},
      {"delete from target where node in " + listOf(nodes), "PRIMARY"},
      {"select token from target where domain='example.org' and node='" + nodes[0] + "' limit 1", "PRIMARY"},
      {"select node from target where service='FCM' and device='" + rows[1].key.device + "' and channel=''",
       "device"},
      {"update target set token='t' where device='" + rows[1].key.device + "' and channel=''", "device"},
      {"delete from target where device='" + rows[1].key.device + "' and channel=''", "device"}};
  for (const auto& [statement, key] : kStatements) {
    INFO(statement);
    const auto plan = Server::shared().run(options.database, "explain format=json " + statement).front();
    CHECK_THAT(plan, ContainsSubstring(std::string("\"key\": \"") + key + '"'));
  }
}
