#include "Connection.h"
#include "Server.h"
#include "p2/core/Guarded.h"
#include "store/Flood.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

std::vector<Answer<Registrations::Found>> lookingUp(const Store& store,
                                                    const std::vector<std::string>& nodes) {
  std::vector<Answer<Registrations::Found>> answers(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) store.lookUp(nodes[i], "example.org", answers[i].callback());
  return answers;
}

}  // namespace

TEST_CASE("A table that ignores case finds no node in other letters") {
  const auto options = Server::shared().freshTables();
  const auto store = opened(options);
  Server::shared().run(options.database,
                       "alter table target"
                       " modify node varchar(64) character set utf8mb4 collate utf8mb4_general_ci not null");
  auto row = imported(1);
  row.node = "n0deInTable ";
  REQUIRE(p2::test::importAll(*store, {row}).ok());
  const auto found = "select count(*) from target where node = 'N0DEINTABLE'";
  REQUIRE(Server::shared().run(options.database, found) == std::vector<std::string>{"1"});
  CHECK_FALSE(lookedUp(*store, "N0DEINTABLE"));
  CHECK_FALSE(lookedUp(*store, "n0deInTable"));
  CHECK(lookedUp(*store, row.node) == row);
  Answer<Removal> answer;
  store->removeIfHolds("N0DEINTABLE ", row.target, answer.callback());
  CHECK(answer.value() == Removal::absent);
  CHECK(lookedUp(*store, row.node) == row);
}

TEST_CASE("What is asked of one device is answered in that order, however many connections look up") {
  auto options = Server::shared().freshTables();
  options.connections = 8;
  const auto store = opened(options);
  static_cast<void>(registered(*store, device(1), "token"));
  constexpr std::size_t kAsked = 3000;
  std::vector<Answer<Registrations::Found>> answers(kAsked);
  p2::core::Guarded<std::vector<std::size_t>> order;
  for (std::size_t i = 0; i < kAsked; ++i) {
    // Every other one is there, which takes less time than that there is none.
    store->lookUp(device(1 + static_cast<unsigned>(i % 2)), "example.org",
                  [&, i, done = answers[i].callback()](p2::core::Result<Registrations::Found> found) mutable {
                    order.with([i](std::vector<std::size_t>& seen) { seen.push_back(i); });
                    done(std::move(found));
                  });
  }
  for (std::size_t i = 0; i < kAsked; ++i) {
    CHECK(answers[i].value().has_value() == (i % 2 == 0));
  }
  order.with([](const std::vector<std::size_t>& seen) { CHECK(std::is_sorted(seen.begin(), seen.end())); });
}

TEST_CASE("No node can say anything to the database but itself") {
  const auto options = Server::shared().freshTables();
  const auto store = opened(options);
  std::vector<std::string> nodes{
      "'",  "''", "\\", "\\'", "' or '1'='1", "x' union select 1 -- ", "\"", "`", "%", "_",
      "\n", "/*", ";",  " ",   "a ",          std::string("\0", 1)};
  for (int byte = 0; byte < 128; ++byte) nodes.push_back(std::string(kMaxNodeBytes, static_cast<char>(byte)));
  for (const char* character : {"\u00e9", "e\u0301", "\uff07", "\uffff", "\U0001f600", "\U0010ffff"}) {
    nodes.emplace_back(character);
  }
  static_cast<void>(registered(*store, device(9999), "token"));
  for (const auto& answer : lookingUp(*store, nodes)) CHECK_FALSE(answer.value());
  std::vector<Registration> rows;
  for (const auto& node : nodes) {
    auto row = imported(static_cast<unsigned>(rows.size()));
    row.node = node;
    row.domain = node;
    row.target = token(node);
    rows.push_back(row);
  }
  REQUIRE(p2::test::importAll(*store, rows).ok());
  const auto answers = lookingUp(*store, nodes);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(answers[i].value() == rows[i]);
}

TEST_CASE("What is no UTF-8 is nobody's, and is refused before the database sees it") {
  const auto store = opened(Server::shared().freshTables());
  for (const char* bytes : {"\xff", "n\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "n\xc3"}) {
    const std::string text = bytes;
    CHECK_FALSE(lookedUp(*store, text));
    CHECK_FALSE(lookedUp(*store, DeviceKey{Service::fcm, text, ""}));
    CHECK_FALSE(unregistered(*store, DeviceKey{Service::fcm, "d", text}));
    CHECK_FALSE(registering(*store, {Service::fcm, text, ""}, "token").get().ok());
    CHECK_FALSE(registering(*store, {Service::fcm, "d", text}, "token").get().ok());
    CHECK_FALSE(registering(*store, device(1), text).get().ok());
    CHECK_FALSE(registering(*store, device(1), "token", text).get().ok());
    auto rows = std::vector<Registration>(3, imported(1));
    rows[0].node = rows[1].domain = text;
    rows[2].secret = p2::core::Secret(text);
    p2::test::RowList source(rows);
    CHECK_FALSE(store->importRows(source).value().imported);
    CHECK(source.faults.size() == 3);
  }
  const auto one = registered(*store, device(1), "token");
  Answer<bool> replaced;
  store->replaceTarget(one.node, one.target, token("\xff"), replaced.callback());
  CHECK_FALSE(replaced.get().ok());
  CHECK(lookedUp(*store, one.node) == one);
  CHECK(store->lastFault().empty());
}

TEST_CASE("What is longer than any node is nobody's, whatever its length") {
  const auto store = opened(Server::shared().freshTables());
  for (const std::size_t bytes : {kMaxNodeBytes + 1, std::size_t{1} << 20U, std::size_t{32} << 20U}) {
    CHECK_FALSE(lookedUp(*store, std::string(bytes, 'n')));
    Answer<bool> forgotten;
    store->forget(std::string(bytes, 'n'), forgotten.callback());
    CHECK_FALSE(forgotten.value());
  }
  CHECK(store->lastFault().empty());
}

TEST_CASE("Look-ups that wait are asked together, and each gets its own answer") {
  const auto store = opened(Server::shared().freshTables());
  std::vector<Registration> rows;
  for (unsigned i = 0; i < 1000; ++i) rows.push_back(imported(i));
  REQUIRE(p2::test::importAll(*store, rows).ok());
  std::vector<Answer<Registrations::Found>> answers(3000);
  for (unsigned i = 0; i < 1000; ++i) {
    store->lookUp(rows[i].node, "example.org", answers[3 * i].callback());
    store->lookUp(rows[i].key, "example.org", answers[3 * i + 1].callback());
    store->lookUp(rows[i].node + "x", "example.org", answers[3 * i + 2].callback());
  }
  for (unsigned i = 0; i < 1000; ++i) {
    CHECK(answers[3 * i].value() == rows[i]);
    CHECK(answers[3 * i + 1].value() == rows[i]);
    CHECK_FALSE(answers[3 * i + 2].value());
  }
}

TEST_CASE("A row that cannot be read is an error to who asks for it, and to nobody else") {
  const auto options = Server::shared().freshTables();
  const auto store = opened(options);
  const auto one = registered(*store, device(1), "token");
  const auto other = registered(*store, device(2), "token");
  Server::shared().run(options.database,
                       "update target set kind = 77, changed = changed where node = '" + one.node + "'");
  const auto answers = lookingUp(*store, {one.node, other.node, "none"});
  CHECK_FALSE(answers[0].get().ok());
  CHECK(answers[1].value() == other);
  CHECK_FALSE(answers[2].value());
  const auto again = registered(*store, device(1), "token");
  CHECK(again.node == one.node);
  CHECK(again.secret != one.secret);
  CHECK(lookedUp(*store, one.node) == again);
}

TEST_CASE("Whatever a server's variable says, it is off only if it says so") {
  for (const char* value : {"OFF", "0"}) CHECK(isOff(value));
  for (const char* value :
       {"ON", "1", "NO_LOCK", "NO_LOCK_NO_ADMIN", "", "NO", "OFFLINE", "what comes yet"}) {
    CAPTURE(value);
    CHECK_FALSE(isOff(value));
  }
}

TEST_CASE("What is committed is on the disk with two values of innodb_flush_log_at_trx_commit") {
  for (const char* value : {"1", "3"}) CHECK(isDurable(value));
  for (const char* value : {"0", "2", "", "ON"}) CHECK_FALSE(isDurable(value));
}

TEST_CASE("A miss counts only of a host that is no replica, even if it has become one since") {
  const auto store = opened(Server::shared().freshTables());
  const auto one = registered(*store, device(1), "token");
  Server::shared().run("set global read_only = 1");
  const auto answers = lookingUp(*store, {"none"});
  CHECK_FALSE(answers[0].get().ok());
  CHECK_FALSE(store->lastFault().empty());
  Server::shared().run("set global read_only = 0");
}

namespace {

constexpr std::size_t kCapacity = 30;

/// A store with short queues, and somebody who has locked its table.
struct Locked {
  explicit Locked(bool keepDomain) {
    auto options = Server::shared().freshTables();
    options.connections = 1;
    options.queueCapacity = kCapacity;
    options.keepDomain = keepDomain;
    store = opened(options);
    Server::shared().run("grant all on " + options.database + ".* to 'p2'@'%'");
    auto connected = Connection::open(options.hosts.front(), options, options.timeout);
    REQUIRE(connected.ok());
    blocker = std::move(connected.value());
    REQUIRE(blocker->execute("lock tables target write").ok());
  }
  void letGo() { REQUIRE(blocker->execute("unlock tables").ok()); }

  std::unique_ptr<Store> store;
  std::unique_ptr<Connection> blocker;
};

template <class T>
Registrations::Callback<T> telling(Flood::Answer tell) {
  return [tell = std::move(tell)](const p2::core::Result<T>& result) mutable { tell(result.ok()); };
}

void askDevice(Store& store, const Flood::Asked& asked, Flood::Answer tell) {
  store.lookUp(device(asked.device), asked.domain, telling<Registrations::Found>(std::move(tell)));
}

void askNode(Store& store, const Flood::Asked& asked, Flood::Answer tell) {
  store.lookUp(imported(asked.device).node, asked.domain, telling<Registrations::Found>(std::move(tell)));
}

void askRecent(Store& store, const Flood::Asked& asked, Flood::Answer tell) {
  store.lookUpRecent(imported(asked.device).node, asked.domain,
                     telling<Registrations::Recent>(std::move(tell)));
}

void askToRegister(Store& store, const Flood::Asked& asked, Flood::Answer tell) {
  store.registerDevice(device(asked.device), asked.domain, token("token"),
                       telling<Registration>(std::move(tell)));
}

void askToWithdraw(Store& store, const Flood::Asked& asked, Flood::Answer tell) {
  store.unregister(device(asked.device), asked.domain, telling<bool>(std::move(tell)));
}

}  // namespace

TEST_CASE("Whatever floods a database that hangs, what another domain asks waits for it and is answered") {
  const auto from = GENERATE(Flood::From::oneDomain, Flood::From::subdomains, Flood::From::severalDomains,
                             Flood::From::manyDomains);
  const auto ask = GENERATE(askDevice, askNode, askRecent, askToRegister, askToWithdraw);
  Locked at(GENERATE(true, false));
  Flood flood(from, 1, kCapacity,
              [&](const Flood::Asked& asked, Flood::Answer tell) { ask(*at.store, asked, std::move(tell)); });
  at.letGo();
  CHECK(p2::test::eventually([&] { return flood.isOver(); }));
  CHECK(flood.isAnsweredOnce());
  CHECK(flood.servedHonestly() == flood.honest());
  CHECK(flood.served() >= kCapacity / 2);  // p2's own tasks have their turn
  CHECK(flood.served() <= 2 * kCapacity);  // and what was being asked
  CHECK(flood.keptOrder());
}

TEST_CASE("A store that closes amidst a flood answers each once") {
  Locked at(true);
  Flood flood(Flood::From::severalDomains, 1, kCapacity, [&](const Flood::Asked& asked, Flood::Answer tell) {
    askDevice(*at.store, asked, std::move(tell));
  });
  const bool hangs = GENERATE(false, true);
  if (!hangs) at.letGo();
  at.store.reset();
  CHECK(flood.isAnsweredOnce());
}
