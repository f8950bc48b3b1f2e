#include "Server.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What lookUpRecent() may give, and what it may not.

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

/// What is told in this thread before the call is over.
Registrations::Found atOnce(const Store& store, const std::string& node) {
  Answer<Registrations::Recent> answer;
  store.lookUpRecent(
      node, "example.org",
      [caller = std::this_thread::get_id(), tell = answer.callback()](auto recent) mutable {
        const bool isHere = std::this_thread::get_id() == caller;
        // Whoever has it from the database need not ask again.
        if (recent.ok()) CHECK(recent.value().mayBeOld == isHere);
        tell(isHere ? std::move(recent) : p2::core::Result<Registrations::Recent>(Registrations::Recent()));
      });
  return answer.value().found;
}

Registrations::Found recent(const Store& store, const std::string& node) {
  Answer<Registrations::Recent> answer;
  store.lookUpRecent(node, "example.org", answer.callback());
  return answer.value().found;
}

template <class T>
void done(const Answer<T>& answer) {
  REQUIRE(answer.get().ok());
}

struct Act {
  const char* name;
  std::function<void(Store&, const Registration&)> change;
};

/// All that changes a registration.
const std::vector<Act>& acts() {
  static const std::vector<Act> kActs{
      {"a new target", [](Store& store, const Registration& one) { registered(store, one.key, "new"); }},
      {"a new domain",
       [](Store& store, const Registration& one) { registered(store, one.key, "token1", "other.example"); }},
      {"withdrawn", [](Store& store, const Registration& one) { unregistered(store, one.key); }},
      {"withdrawn and registered again",
       [](Store& store, const Registration& one) {
         unregistered(store, one.key);
         registered(store, one.key, "token1");
       }},
      {"forgotten",
       [](Store& store, const Registration& one) {
         Answer<bool> answer;
         store.forget(one.node, answer.callback());
         done(answer);
       }},
      {"its target is gone",
       [](Store& store, const Registration& one) {
         Answer<Removal> answer;
         store.removeIfHolds(one.node, one.target, answer.callback());
         done(answer);
       }},
      {"its target is replaced",
       [](Store& store, const Registration& one) {
         Answer<bool> answer;
         store.replaceTarget(one.node, one.target, token("new"), answer.callback());
         done(answer);
       }},
      {"expired",
       [](Store& store, const Registration& /*one*/) {
         Answer<RegistrationArchive::Swept> answer;
         store.removeExpired(0s, 100, answer.callback());
         done(answer);
       }},
      {"without its domain",
       [](Store& store, const Registration& /*one*/) {
         Answer<RegistrationArchive::Swept> answer;
         store.dropDomains(answer.callback());
         done(answer);
       }},
      {"imported",
       [](Store& store, const Registration& one) {
         auto row = one;
         row.secret = p2::core::Secret(std::string(24, 's'));
         row.lastRegistered += 1h;
         REQUIRE(p2::test::importAll(store, {row}).ok());
       }},
  };
  return kActs;
}

}  // namespace

TEST_CASE("What was found is told again at once, and each change of this p2 is seen in it") {
  HandClock clock;
  auto options = Server::shared().freshTables();
  options.clock = &clock;
  const auto store = opened(options);
  store->setServing(true);
  for (const auto& act : acts()) {
    INFO(act.name);
    REQUIRE(p2::test::importAll(*store, {imported(1), imported(2)}).ok());
    const auto one = imported(1);
    CHECK_FALSE(atOnce(*store, one.node));
    REQUIRE(recent(*store, one.node) == one);
    CHECK(atOnce(*store, one.node) == one);
    clock.advance(1s);
    act.change(*store, one);
    const auto now = lookedUp(*store, one.node);
    CHECK(now != one);
    CHECK(recent(*store, one.node) == now);
    for (const auto& left : {one.key, device(2)}) unregistered(*store, left);
  }
}

TEST_CASE("What another p2 has changed is seen when the time is over, and what it has added at once") {
  HandClock clock;
  auto options = Server::shared().freshTables();
  options.clock = &clock;
  const auto mine = opened(options), other = opened(options);
  other->setServing(true);
  for (const auto& act : acts()) {
    INFO(act.name);
    const auto one = imported(1);
    CHECK_FALSE(recent(*mine, one.node));
    REQUIRE(p2::test::importAll(*other, {one}).ok());
    REQUIRE(recent(*mine, one.node) == one);
    clock.advance(1s);
    act.change(*other, one);
    CHECK(lookedUp(*mine, one.node) == lookedUp(*other, one.node));
    clock.advance(options.cacheFor);
    CHECK(recent(*mine, one.node) == lookedUp(*other, one.node));
    unregistered(*mine, one.key);
  }
}

TEST_CASE("Whether a target is gone is judged by what the database holds, whatever was found before") {
  const auto options = Server::shared().freshTables();
  const auto mine = opened(options), other = opened(options);
  const auto one = registered(*mine, device(1), "old");
  REQUIRE(recent(*mine, one.node) == one);
  registered(*other, device(1), "new");
  REQUIRE(atOnce(*mine, one.node) == one);
  Answer<bool> replaced;
  mine->replaceTarget(one.node, token("old"), token("newest"), replaced.callback());
  CHECK_FALSE(replaced.value());
  Answer<Removal> removal;
  mine->removeIfHolds(one.node, token("old"), removal.callback());
  CHECK(removal.value() == Removal::holdsOther);
  CHECK(recent(*mine, one.node)->target == token("new"));
}

TEST_CASE("While others look up without pause, nobody finds what was before a change that was told") {
  const auto store = opened(Server::shared().freshTables());
  constexpr unsigned kDevices = 3;
  std::vector<std::string> nodes;
  for (unsigned i = 0; i < kDevices; ++i) nodes.push_back(registered(*store, device(i), "0").node);
  std::vector<std::atomic<int>> told(kDevices);
  std::atomic<bool> stop{false};
  std::atomic<int> stale{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (unsigned turn = 0; !stop; ++turn) {
        const auto number = turn % kDevices;
        const int before = told[number];
        if (std::stoi(recent(*store, nodes[number])->target.value.reveal()) < before) ++stale;
      }
    });
  }
  for (int version = 1; version <= 300; ++version) {
    const auto number = static_cast<unsigned>(version) % kDevices;
    registered(*store, device(number), std::to_string(version));
    told[number] = version;
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  CHECK(stale == 0);
}

TEST_CASE("Registrations are counted again only after a while, and by nobody who waits for it") {
  auto& server = Server::shared();
  HandClock clock;
  auto options = server.freshTables();
  options.clock = &clock;
  const auto store = opened(options);
  registered(*store, device(1), "token");
  CHECK(store->statistics().registrations == 1);
  registered(*store, device(2), "token");
  CHECK(store->statistics().registrations == 1);
  clock.advance(options.countEvery);
  CHECK(store->statistics().registrations == 2);
  CHECK(store->statistics().usedBytes > 0);
  clock.advance(options.countEvery);
  server.freeze(true);
  const auto began = std::chrono::steady_clock::now();
  CHECK(store->statistics().registrations == 2);
  CHECK(std::chrono::steady_clock::now() - began < 10s);
  server.freeze(false);
}
