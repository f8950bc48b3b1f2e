#include "IoFaults.h"
#include "Samples.h"
#include "support/Catch.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <vector>

using namespace p2::store;
using namespace p2::store::test;

namespace {

std::vector<Registration> rows(unsigned count) {
  std::vector<Registration> all;
  all.reserve(count);
  for (unsigned i = 0; i < count; ++i) all.push_back(imported(i));
  return all;
}

Store::ImportReport report(Store& store, const std::vector<Registration>& all) {
  auto result = store.importAll(all);
  REQUIRE(result.ok());
  return std::move(result).value();
}

}  // namespace

TEST_CASE("Imported registrations keep everything they came with, and an import can be run again") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 65536;
  auto store = opened(options);
  const auto all = rows(20000);
  auto first = report(*store, all);
  CHECK(first.faults.empty());
  CHECK(first.added == all.size());
  const auto second = report(*store, all);
  CHECK(second.unchanged == all.size());
  CHECK(second.added + second.updated == 0);
  store.reset();
  store = opened(options);
  CHECK(store->statistics().registrations == all.size());
  unsigned wrong = 0;
  for (const Registration& row : all) {
    wrong += found(*store, row.node) == row && found(*store, row.key) == row ? 0U : 1U;
  }
  CHECK(wrong == 0);
  // The device goes on with what it has.
  const Registration renewed = registered(*store, all[5].key, "new token");
  CHECK(renewed.node == all[5].node);
  CHECK(renewed.secret == all[5].secret);
}

TEST_CASE("The later of two states of one registration wins, whichever way it comes") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  REQUIRE(report(*store, rows(3)).added == 3);
  auto again = rows(4);
  again[0].target = token("newer");
  again[0].lastRegistered += 1h;
  again[1].target = token("older");
  again[1].lastRegistered -= 1h;
  again[2].lastRegistered -= 1h;  // Nothing else is different.
  const auto second = report(*store, again);
  CHECK(second.updated == 1);
  CHECK(second.unchanged == 2);
  CHECK(second.added == 1);
  CHECK(found(*store, again[0].node) == again[0]);
  CHECK(found(*store, again[1].node) == imported(1));
  CHECK(found(*store, again[2].node) == imported(2));
}

TEST_CASE("An import renews the date of what is the same, and keeps the first one") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  auto store = opened(options);
  REQUIRE(report(*store, rows(1000)).added == 1000);
  auto later = rows(1000);
  for (Registration& row : later) {
    row.created += 24h;
    row.lastRegistered += 24h * 60;
  }
  clock.advance(24h * 60);
  const auto second = report(*store, later);
  CHECK(second.unchanged == 1000);
  const auto stored = found(*store, later[7].node);
  REQUIRE(stored);
  CHECK(stored->created == imported(7).created);
  CHECK(stored->lastRegistered == later[7].lastRegistered);
  CHECK(report(*store, later).unchanged == 1000);
}

TEST_CASE("However old the dates of an import are, its phones have their whole time before them") {
  const TemporaryDirectory directory;
  HandClock clock;
  Store::Options options;
  options.path = directory.path();
  options.clock = &clock;
  auto store = opened(options);
  static_cast<void>(registered(*store, device(5000), "token"));
  store->setServing(true);
  clock.advance(24h * 400);
  Answer<void> saved;
  store->saveServiceTime(saved.callback());
  REQUIRE(saved.get().ok());
  store.reset();
  store = opened(options);
  REQUIRE(report(*store, rows(10)).added == 10);
  store.reset();
  store = opened(options);
  store->setServing(true);
  const auto expired = [&] {
    Answer<Store::Swept> swept;
    store->removeExpired(24h * 30, 1000, swept.callback());
    return swept.value().changed;
  };
  CHECK(expired() == 0);
  clock.advance(24h * 31);
  CHECK(expired() == 11);
}

TEST_CASE("A row that comes twice is imported once") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  auto all = rows(2);
  all.push_back(imported(0));
  all.back().lastRegistered += 1h;
  all.back().target = token("newer");
  const auto once = report(*store, all);
  CHECK(once.added == 2);
  CHECK(once.unchanged == 1);
  CHECK(found(*store, all[0].node) == all.back());
}

TEST_CASE("Every row that cannot be is named, and then none is imported") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  const Registration there = registered(*store, device(500), "token");
  auto all = rows(10);
  std::vector<std::size_t> bad;
  std::optional<std::size_t> other;
  const char* text = "";
  SECTION("impossible values") {
    all[3].node = "";
    all[7].target = token("");
    bad = {3, 7};
    text = "bytes; it must have";
  }
  SECTION("one node for two devices") {
    all[6].node = all[2].node;
    all[8].node = all[2].node;
    bad = {6, 8};
    other = 2;
    text = "Its node is that of another device";
  }
  SECTION("two nodes for one device") {
    all[9].key = all[4].key;
    bad = {9};
    other = 4;
    text = "Its device has another node";
  }
  SECTION("a node that the store has for another device") {
    all[1].node = there.node;
    bad = {1};
    text = "Its node is in the store for another device.";
  }
  SECTION("a device that the store has with another node") {
    all[0].key = there.key;
    bad = {0};
    text = "Its device is in the store with another node.";
  }
  const auto refused = report(*store, all);
  REQUIRE(refused.faults.size() == bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CHECK(refused.faults[i].row == bad[i]);
    CHECK(refused.faults[i].other == other);
    CHECK(refused.faults[i].text.find(text) != std::string::npos);
  }
  CHECK(refused.added + refused.updated + refused.unchanged == 0);
  CHECK(store->statistics().registrations == 1);
}

TEST_CASE("The faults of an import are told up to a bound") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  auto all = rows(1500);
  for (Registration& row : all) row.key.device = "";
  const auto refused = report(*store, all);
  CHECK(refused.faults.size() == Store::kMaxImportFaults);
  CHECK(refused.faults.front().row == 0);
}

TEST_CASE("An import that cannot be written leaves nothing behind") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  {
    IoFaults faults;
    faults.fail(3, 1000, ENOSPC);
    const auto failed = store->importAll(rows(5000));
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().find("is full") != std::string::npos);
  }
  CHECK(store->statistics().registrations == 0);
  CHECK(report(*store, rows(5000)).added == 5000);
}

TEST_CASE("An empty import is fine") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  CHECK(report(*store, {}).added == 0);
}

TEST_CASE("A million rows are imported in less than a minute", "[.][slow]") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  auto all = rows(1'000'000);
  for (Registration& row : all) row.target = token(std::string(152, 't') + row.node);
  for (int round = 0; round < 2; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto done = report(*store, all);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    WARN("round " << round << ": " << seconds << " s");
    CHECK(done.added + done.unchanged == all.size());
    CHECK(seconds < 60);
  }
  const auto start = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < 100000; ++i) REQUIRE(found(*store, all[i * 7 % all.size()].node));
  const auto each = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * 10;
  WARN("a lookup takes " << each << " microseconds; the map has " << (store->statistics().mapBytes >> 20U)
                         << " MiB, of which " << (store->statistics().usedBytes >> 20U) << " are used");
}
