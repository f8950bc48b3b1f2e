#include "IoFaults.h"
#include "Stores.h"
#include "p2/lmdb/Store.h"
#include "store/Samples.h"
#include "support/Catch.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

TEST_CASE("A device that registers gets a node and a secret, and both find it") {
  const TemporaryDirectory directory;
  const HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  const auto store = opened(options);
  const Registration answer = registered(*store, device(1), "token", "example.org");
  CHECK(answer.node.size() == 12);
  CHECK(answer.secret.reveal().size() == 24);
  CHECK(answer.key == device(1));
  CHECK(answer.domain == "example.org");
  CHECK(answer.target == token("token"));
  CHECK(answer.created == clock.time());
  CHECK(answer.lastRegistered == clock.time());
  CHECK(found(*store, answer.node) == answer);
  CHECK(found(*store, device(1)) == answer);
  CHECK_FALSE(found(*store, device(2)));
  CHECK_FALSE(found(*store, device(1, true)));
  for (const auto& node : {std::string(), std::string("unknown"), std::string(5000, 'x')}) {
    CHECK_FALSE(found(*store, node));
  }
}

TEST_CASE("A device that comes back keeps node and secret, with the same or a new token and domain") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  auto store = opened(options);
  const Registration first = registered(*store, device(1), "token");
  clock.advance(1h);
  const Registration renewed = registered(*store, device(1), "another", "example.com");
  CHECK(renewed.node == first.node);
  CHECK(renewed.secret == first.secret);
  CHECK(renewed.created == first.created);
  CHECK(renewed.lastRegistered == clock.time());
  CHECK(renewed.domain == "example.com");
  CHECK(renewed.target == token("another"));
  store.reset();
  store = opened(options);
  CHECK(found(*store, first.node) == renewed);
  CHECK(registered(*store, device(1), "another", "example.com") == renewed);
  CHECK(store->statistics().registrations == 1);
}

TEST_CASE("Channels and services have registrations of their own") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  DeviceKey apple = device(1);
  apple.service = Service::apns;
  const Registration account = registered(*store, device(1), "token");
  const Registration channel = registered(*store, device(1, true), "token");
  const Registration other = registered(*store, apple, "token");
  CHECK(std::set{account.node, channel.node, other.node}.size() == 3);
  CHECK(unregistered(*store, device(1, true)));
  CHECK(found(*store, device(1)) == account);
  CHECK(found(*store, apple) == other);
  CHECK_FALSE(found(*store, channel.node));
}

TEST_CASE("The same again is answered in the calling thread and not written, until it is due for renewal") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  const auto store = opened(options);
  const Registration first = registered(*store, device(1), "token");
  IoFaults faults;
  clock.advance(23h);
  const auto again = registering(*store, device(1), "token");
  CHECK(again.arrived());
  CHECK(again.value() == first);
  CHECK(faults.syncs() == 0);
  clock.advance(1h);
  const Registration renewed = registered(*store, device(1), "token");
  CHECK(renewed.lastRegistered == clock.time());
  CHECK(renewed.created == first.created);
  CHECK(faults.syncs() == 1);
  SECTION("a clock that goes back does not make the registration look older") {
    clock.jump(-100h);
    const Registration later = registered(*store, device(1), "new token");
    CHECK(later.lastRegistered == renewed.lastRegistered);
  }
}

TEST_CASE("While a change of a device is pending, its registration is not answered from what was before") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  const Registration first = registered(*store, device(1), "token");
  HeldWriter held(*store);
  Answer<bool> removal;
  SECTION("unregistered") {
    store->unregister(device(1), "example.org", removal.callback());
  }
  SECTION("removed by its node") {
    store->removeIfHolds(first.node, token("token"),
                         [done = removal.callback()](p2::core::Result<Removal> outcome) mutable {
                           done(outcome.ok() && outcome.value() == Removal::removed);
                         });
  }
  SECTION("forgotten") {
    store->forget(first.node, removal.callback());
  }
  const auto again = registering(*store, device(1), "token");
  CHECK_FALSE(again.arrived());
  CHECK(store->statistics().pendingChanges == 2);
  held.release();
  CHECK(removal.value());
  CHECK(again.value().node != first.node);
  CHECK(found(*store, device(1)) == again.value());
  CHECK(store->statistics().pendingChanges == 0);
}

TEST_CASE("A flood of one domain's registrations neither refuses another's nor makes it wait") {
  const TemporaryDirectory directory;
  const auto* const subdomain = GENERATE("", "host");
  Store::Options options;
  options.path = directory.path();
  options.keepDomain = GENERATE(true, false);
  options.queueCapacity = 100;
  options.maxBatch = 10;
  const auto store = opened(options);
  HeldWriter held(*store);
  std::vector<Answer<Registration>> flood;
  for (unsigned i = 0; i < 300; ++i) {
    const auto host = *subdomain == '\0' ? std::string() : subdomain + std::to_string(i) + '.';
    flood.push_back(registering(*store, device(i), "token", host + "flood.example"));
  }
  std::vector<Answer<Registration>> others;
  for (unsigned i = 0; i < 20; ++i) {
    others.push_back(
        registering(*store, device(1000 + i), "token", "domain" + std::to_string(i) + ".example"));
  }
  for (const auto& other : others) CHECK_FALSE(other.arrived());
  held.release();
  for (const auto& other : others) {
    INFO((other.get().ok() ? "" : other.get().error()));
    CHECK(other.get().ok());
  }
  // Twenty turns were taken by the others, so three batches at most were written for them.
  unsigned written = 0;
  for (const auto& answer : flood) written += answer.get().ok() ? 1U : 0U;
  CHECK(written >= 79);
  CHECK(written <= 80);
}

TEST_CASE("A queue that is full refuses at once, in the calling thread") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  options.queueCapacity = 3;
  const auto store = opened(options);
  const Registration known = registered(*store, device(9), "token");
  clock.advance(25h);
  HeldWriter held(*store);
  std::vector<Answer<Registration>> queued;
  for (unsigned i = 0; i < 3; ++i) queued.push_back(registering(*store, device(i), "token"));
  const auto refused = registering(*store, device(3), "token");
  REQUIRE(refused.arrived());
  REQUIRE_FALSE(refused.get().ok());
  CHECK(refused.get().error().find("The store is busy: 3 changes") == 0);
  Answer<bool> removal;
  store->unregister(device(0), "example.org", removal.callback());
  REQUIRE(removal.arrived());
  CHECK_FALSE(removal.get().ok());
  // This one needs nothing but a new time, which is no reason to refuse it.
  CHECK(registering(*store, device(9), "token").value() == known);
  CHECK_FALSE(registering(*store, device(9), "new token").get().ok());
  held.release();
  for (const auto& answer : queued) CHECK(answer.get().ok());
  CHECK_FALSE(found(*store, device(3)));
  CHECK(registering(*store, device(3), "token").get().ok());
}

TEST_CASE("An impossible value fails alone and at once") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  HeldWriter held(*store);
  const auto before = registering(*store, device(1), "token");
  const auto noToken = registering(*store, device(2), "");
  const auto longToken = registering(*store, device(2), std::string(5000, 'x'));
  const auto noDomain = registering(*store, device(2), "token", "");
  const auto noDevice = registering(*store, {Service::fcm, "", ""}, "token");
  for (const auto& answer : {noToken, longToken, noDomain, noDevice}) {
    REQUIRE(answer.arrived());
    CHECK_FALSE(answer.get().ok());
  }
  Answer<bool> replaced;
  store->replaceTarget("node", token("token"), token(""), replaced.callback());
  REQUIRE(replaced.arrived());
  CHECK_FALSE(replaced.get().ok());
  const auto after = registering(*store, device(3), "token");
  held.release();
  CHECK(before.get().ok());
  CHECK(after.get().ok());
  CHECK_FALSE(unregistered(*store, {Service::fcm, std::string(1000, 'x'), ""}));
  CHECK(store->statistics().registrations == 2);
}

TEST_CASE("Targets are replaced and removed only where they are still held") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  const Registration first = registered(*store, device(1), "old");
  const auto replaced = [&](const std::string& node, const char* from, const char* to) {
    Answer<bool> answer;
    store->replaceTarget(node, token(from), token(to), answer.callback());
    return answer.value();
  };
  const auto removed = [&](const std::string& node, const p2::core::Target& target) {
    Answer<Removal> answer;
    store->removeIfHolds(node, target, answer.callback());
    return answer.value();
  };
  CHECK_FALSE(replaced(first.node, "other", "new"));
  CHECK_FALSE(replaced("unknown", "old", "new"));
  CHECK(found(*store, first.node)->target == token("old"));
  CHECK(replaced(first.node, "old", "new"));
  CHECK(found(*store, first.node)->target == token("new"));
  CHECK(found(*store, device(1))->target == token("new"));
  CHECK(removed(first.node, token("old")) == Removal::holdsOther);
  CHECK(removed("unknown", token("new")) == Removal::absent);
  CHECK(removed(first.node, {p2::core::Target::Kind::installationId, p2::core::Secret("new")}) ==
        Removal::holdsOther);
  CHECK(removed(first.node, token("new")) == Removal::removed);
  CHECK(removed(first.node, token("new")) == Removal::absent);
  CHECK_FALSE(found(*store, first.node));
  CHECK_FALSE(found(*store, device(1)));
}

TEST_CASE("Registrations that wait together are made durable by one commit") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.maxBatch = 256;
  const auto store = opened(options);
  static_cast<void>(registered(*store, device(1000), "token"));
  IoFaults faults;
  HeldWriter held(*store);
  std::vector<Answer<Registration>> answers(256);
  std::vector<std::thread> threads;
  for (unsigned part = 0; part < 4; ++part) {
    threads.emplace_back([&, part] {
      for (unsigned i = part; i < answers.size(); i += 4) {
        store->registerDevice(device(i), "example.org", token("token"), answers[i].callback());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(store->statistics().registrations == 1);
  held.release();
  std::set<std::string> nodes;
  for (const auto& answer : answers) nodes.insert(answer.value().node);
  CHECK(nodes.size() == answers.size());
  CHECK(faults.syncs() == 1);
  CHECK(store->statistics().registrations == 1 + answers.size());
}

TEST_CASE("The same device registered many times at once is one registration") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  std::vector<Answer<Registration>> answers(100);
  std::vector<std::thread> threads;
  for (unsigned part = 0; part < 4; ++part) {
    threads.emplace_back([&, part] {
      for (unsigned i = part; i < answers.size(); i += 4) {
        store->registerDevice(device(1), "example.org", token("token" + std::to_string(i % 3)),
                              answers[i].callback());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> identities;
  for (const auto& answer : answers) {
    identities.insert(answer.value().node + " " + answer.value().secret.reveal());
  }
  CHECK(identities.size() == 1);
  CHECK(store->statistics().registrations == 1);
}

TEST_CASE("The map grows by itself, with readers in it all the time") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 1;  // The least there is.
  auto store = opened(options);
  const auto smallest = store->statistics().mapBytes;
  CHECK(smallest <= 1U << 18U);
  const Registration first = registered(*store, device(0), "token");
  std::atomic<bool> stop{false};
  std::atomic<unsigned> misses{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        if (found(*store, first.node) != first) ++misses;
      }
    });
  }
  std::vector<Answer<Registration>> answers(3000);
  for (unsigned i = 0; i < answers.size(); ++i) {
    store->registerDevice(device(i + 1), "example.org", token(std::string(150, 't')), answers[i].callback());
  }
  for (const auto& answer : answers) CHECK(answer.get().ok());
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(misses == 0);
  CHECK(store->statistics().mapBytes >= 8 * smallest);
  CHECK(store->statistics().usedBytes <= store->statistics().mapBytes);
  store.reset();
  store = opened(options);
  for (const auto& answer : answers) CHECK(found(*store, answer.value().node) == answer.value());
}

TEST_CASE("Visiting goes by node, in one snapshot, until it is told to stop") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  std::set<std::string> nodes;
  for (unsigned i = 0; i < 50; ++i) nodes.insert(registered(*store, device(i), "token").node);
  std::vector<std::string> visited;
  REQUIRE(store
              ->forEach([&](const Registration& registration) {
                if (visited.empty()) static_cast<void>(registering(*store, device(100), "token").get());
                visited.push_back(registration.node);
                return true;
              })
              .ok());
  CHECK(visited == std::vector<std::string>(nodes.begin(), nodes.end()));
  visited.clear();
  REQUIRE(store
              ->forEach([&](const Registration& registration) {
                visited.push_back(registration.node);
                return visited.size() < 3;
              })
              .ok());
  CHECK(visited.size() == 3);
}

TEST_CASE("What is queued when the store closes is written and answered") {
  const TemporaryDirectory directory;
  std::vector<Answer<Registration>> answers(500);
  auto store = opened(directory.path());
  for (unsigned i = 0; i < answers.size(); ++i) {
    store->registerDevice(device(i), "example.org", token("token"), answers[i].callback());
  }
  store.reset();
  store = opened(directory.path());
  for (const auto& answer : answers) {
    REQUIRE(answer.arrived());
    CHECK(found(*store, answer.value().node) == answer.value());
  }
}

TEST_CASE("A callback may call the store, and one that throws harms nobody else") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  HeldWriter held(*store);
  Answer<Registration> inner;
  store->registerDevice(device(1), "example.org", token("token"),
                        [&](const p2::core::Result<Registration>&) { throw std::runtime_error("no"); });
  store->registerDevice(device(2), "example.org", token("token"),
                        [&](const p2::core::Result<Registration>& answer) {
                          if (found(*store, device(2)) == answer.value()) {
                            store->registerDevice(device(3), "example.org", token("token"), inner.callback());
                          }
                        });
  held.release();
  CHECK(inner.value().key == device(3));
  CHECK(found(*store, device(1)));
}
