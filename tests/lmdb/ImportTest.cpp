#include "ChildProcess.h"
#include "IoFaults.h"
#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/Emulator.h"
#include "support/ImportAll.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <set>
#include <string>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;
using p2::test::importAll;
using p2::test::RowList;

namespace {

std::vector<Registration> rows(unsigned count) {
  std::vector<Registration> all;
  all.reserve(count);
  for (unsigned i = 0; i < count; ++i) all.push_back(imported(i));
  return all;
}

Store::ImportReport report(Store& store, const std::vector<Registration>& all) {
  auto result = importAll(store, all);
  REQUIRE(result.ok());
  return result.value();
}

/// The files in a directory, and in those below.
std::set<std::string> filesIn(const std::filesystem::path& directory) {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    files.insert(entry.path().lexically_relative(directory));
  }
  return files;
}
/// Rows of which the bad ones are left out.
class Lenient : public p2::store::ImportSource {
 public:
  explicit Lenient(const std::vector<Registration>& all) : _rows(all) {}
  p2::core::Result<std::optional<Row>> next() override { return _rows.next(); }
  void refuse(std::uint64_t line, const std::string& why) override { _rows.refuse(line, why); }
  bool confirm() override { return true; }

 private:
  RowList _rows;
};

const std::set<std::string> kStoreFiles{"data.mdb", "lock.mdb", "p2.lock"};

}  // namespace

TEST_CASE("Imported registrations keep everything they came with, and an import can be run again") {
  const TemporaryDirectory directory;
  Store::Options options;
  options.path = directory.path();
  options.initialMapSize = 65536;
  auto store = opened(options);
  const auto all = rows(20000);
  auto first = report(*store, all);
  CHECK(first.imported);
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
  for (Registration& row : all) row.lastRegistered += 24h * 3650;  // all would win
  std::vector<std::size_t> bad;
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
    text = "Its node is that of another device in line 2.";
  }
  SECTION("two nodes for one device") {
    all[9].key = all[4].key;
    bad = {9};
    text = "Its device has another node in line 4.";
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
  RowList source(all);
  const auto refused = store->importRows(source);
  REQUIRE(refused.ok());
  CHECK_FALSE(refused.value().imported);
  REQUIRE(source.faults.size() == bad.size());
  std::sort(source.faults.begin(), source.faults.end());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CHECK(source.faults[i].first == bad[i]);
    CHECK(source.faults[i].second.find(text) != std::string::npos);
  }
  CHECK(store->statistics().registrations == 1);
  CHECK(filesIn(directory.path()) == kStoreFiles);

  // Left out, they are as if they were not there.
  Lenient others(all);
  REQUIRE(store->importRows(others).value().added == all.size() - bad.size());
  CHECK(store->statistics().registrations == 1 + all.size() - bad.size());
  CHECK(found(*store, there.node) == there);
  CHECK(found(*store, there.key) == there);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (std::find(bad.begin(), bad.end(), i) != bad.end()) continue;
    CHECK(found(*store, all[i].node) == all[i]);
    CHECK(found(*store, all[i].key) == all[i]);
  }
}

namespace {

/// A source of a kind: rows without end, or up to a number, that does at its turn what a test wants.
class Rows : public p2::store::ImportSource {
 public:
  explicit Rows(unsigned count) : _count(count) {}

  p2::core::Result<std::optional<Row>> next() override {
    if (_next == _count) return std::optional<Row>();
    Row row{imported(_next), _next, dated};
    row.registration.target = token(std::string(152, 't') + row.registration.node);
    row.registration.created += shift;
    row.registration.lastRegistered += shift;
    ++_next;
    return std::optional(std::move(row));
  }
  void refuse(std::uint64_t, const std::string&) override { ++refused; }
  bool confirm() override { return confirms; }

  bool dated = true;
  std::chrono::seconds shift{0};
  bool confirms = true;
  unsigned refused = 0;

 private:
  const unsigned _count;
  unsigned _next = 0;
};

/// One that fails in the middle.
class BrokenRows final : public Rows {
 public:
  BrokenRows() : Rows(5000) {}

  p2::core::Result<std::optional<Row>> next() override {
    if (++_given > 3000) return p2::core::Error{"The cable is out."};
    return Rows::next();
  }

 private:
  unsigned _given = 0;
};

}  // namespace

TEST_CASE("What a source does not confirm, or does not bring to its end, is not imported") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  REQUIRE(report(*store, rows(3)).added == 3);
  SECTION("not confirmed") {
    Rows source(5000);
    source.confirms = false;
    const auto done = store->importRows(source);
    REQUIRE(done.ok());
    CHECK_FALSE(done.value().imported);
    CHECK(done.value().added == 4997);
  }
  SECTION("broken off") {
    BrokenRows source;
    const auto done = store->importRows(source);
    REQUIRE_FALSE(done.ok());
    CHECK(done.error() == "The cable is out.");
  }
  CHECK(store->statistics().registrations == 3);
  CHECK(found(*store, imported(1).node) == imported(1));
  CHECK(filesIn(directory.path()) == kStoreFiles);
}

TEST_CASE("Bad rows can be left out: the others are imported as if those had not been there") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  auto all = rows(10);
  all[3].target = token("");  // its node is free for the next
  all[4].node = all[3].node;
  all[6].key = all[4].key;  // has two nodes
  Lenient source(all);
  const auto done = store->importRows(source);
  REQUIRE(done.ok());
  CHECK(done.value().imported);
  CHECK(done.value().added == 8);
  CHECK(found(*store, all[4].key) == all[4]);
  CHECK_FALSE(found(*store, imported(6).node));
}

TEST_CASE("An undated row does not replace what a phone has renewed with p2, but what an import brought") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  auto before = rows(2);
  before[0].lastRegistered += 1h;  // renewed by its phone
  REQUIRE(report(*store, before).added == 2);
  Rows source(2);
  source.dated = false;
  source.shift = 24h;
  const auto done = store->importRows(source);
  REQUIRE(done.ok());
  CHECK(done.value().unchanged == 1);
  CHECK(done.value().updated == 1);
  CHECK(found(*store, before[0].node) == before[0]);
  CHECK(found(*store, before[1].node)->target.value.reveal().starts_with("ttt"));
  CHECK(found(*store, before[1].node)->lastRegistered == before[1].lastRegistered + 24h);
}

TEST_CASE("A store that others read is not replaced under them") {
  const TemporaryDirectory directory;
  auto store = opened(directory.path());
  REQUIRE(report(*store, rows(3)).added == 3);
  SECTION("an import waits for them and gives up") {
    ChildProcess reader({"read", directory.path()});
    REQUIRE(reader.line() == "open");
    const auto refused = importAll(*store, rows(5));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().find("is being read by another p2 command") != std::string::npos);
    CHECK(store->statistics().registrations == 3);
    CHECK(filesIn(directory.path()) == kStoreFiles);
  }
  // And with them gone, the store is written as before.
  CHECK(report(*store, rows(5)).added == 2);
  static_cast<void>(registered(*store, device(700), "token"));
  store.reset();
  store = opened(directory.path());
  CHECK(store->statistics().registrations == 6);
  CHECK(found(*store, device(700)));
}

TEST_CASE("A program that p2 does not know to read the store keeps its own view, and harms no later change") {
  const TemporaryDirectory directory;
  auto store = opened(directory.path());
  for (unsigned i = 0; i < 50; ++i) static_cast<void>(registered(*store, device(100000 + i), "token"));
  ChildProcess reader({"foreign", directory.path()});
  REQUIRE(reader.line() == "open");
  REQUIRE(report(*store, rows(3000)).added == 3000);
  store.reset();
  // While it is there, the store is opened anew and changed.
  store = opened(directory.path());
  const auto during = registered(*store, device(200000), "token");
  store.reset();
  CHECK(reader.ask("count") == "50");
  CHECK(reader.finish() == 0);
  store = opened(directory.path());
  CHECK(found(*store, during.node));
  CHECK(store->statistics().registrations == 3051);
}

TEST_CASE("A source that fails by an exception ends the import alone") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  class Throwing final : public Rows {
   public:
    Throwing() : Rows(10) {}
    p2::core::Result<std::optional<Row>> next() override { throw std::bad_alloc(); }
  } source;
  const auto done = store->importRows(source);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().find("cannot be imported into") != std::string::npos);
  CHECK(report(*store, rows(2)).added == 2);
}

TEST_CASE("What a killed import has left is removed when the store is opened for writing") {
  const TemporaryDirectory directory;
  auto store = opened(directory.path());
  store.reset();
  std::filesystem::create_directory(directory / "import.partial");
  std::ofstream(directory / "import.partial/data.mdb") << "half of it";
  store = opened(directory.path());
  CHECK(filesIn(directory.path()) == kStoreFiles);
  CHECK(report(*store, rows(2)).added == 2);
}

TEST_CASE("An import that cannot be written, wherever it fails, leaves nothing behind") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  REQUIRE(report(*store, rows(10)).added == 10);
  bool through = false;
  int failures = 0;
  for (int after = 0; !through; ++after) {
    p2::core::Result<Store::ImportReport> outcome = p2::core::Error{""};
    {
      IoFaults faults;
      faults.fail(after, 1000000, ENOSPC);
      outcome = importAll(*store, rows(5000));
      through = faults.failed() == 0;
    }
    INFO("after " << after);
    CHECK(filesIn(directory.path()) == kStoreFiles);
    if (outcome.ok()) {
      // All is in place: only the disk's word on it may be missing.
      CHECK(outcome.value().durable == through);
      CHECK(store->statistics().registrations == 5000);
      CHECK(found(*store, imported(4711).node) == imported(4711));
      break;
    }
    ++failures;
    CHECK(outcome.error().find("is full") != std::string::npos);
    CHECK(store->statistics().registrations == 10);
    CHECK(found(*store, imported(7).node) == imported(7));
  }
  CHECK(failures > 3);
  static_cast<void>(registered(*store, device(9000), "token"));
}

TEST_CASE("An empty import is fine") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  CHECK(report(*store, {}).added == 0);
}

namespace {

/// The most memory that this process has ever had, in MiB.
long peakMemory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

}  // namespace

#ifndef P2_SANITIZED  // whose own memory hides it
TEST_CASE("The memory of an import does not grow with its rows") {
  if (p2::test::isEmulated()) {
    WARN("skipped: what the emulator takes counts as this process's");
    return;
  }
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  Rows some(50000);
  REQUIRE(store->importRows(some).value().added == 50000);
  const long before = peakMemory();
  Rows many(120000);
  REQUIRE(store->importRows(many).value().added == 70000);
  Rows again(120000);
  REQUIRE(store->importRows(again).value().unchanged == 120000);
  CHECK(store->statistics().usedBytes > 40U << 20U);
  CHECK(peakMemory() - before < 24);
}
#endif

TEST_CASE("A million rows are imported in less than a minute", "[.][slow]") {
  const TemporaryDirectory directory;
  const auto store = opened(directory.path());
  constexpr unsigned kRows = 1'000'000;
  for (int round = 0; round < 2; ++round) {
    Rows source(kRows);
    const auto start = std::chrono::steady_clock::now();
    const auto done = store->importRows(source);
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    WARN("round " << round << ": " << seconds << " s, at most " << peakMemory() << " MiB of memory");
    CHECK(done.value().added + done.value().unchanged == kRows);
    CHECK(seconds < 60);
  }
  const auto start = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < 100000; ++i) REQUIRE(found(*store, imported(i * 7 % kRows).node));
  const auto each = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * 10;
  WARN("a lookup takes " << each << " microseconds; the map has " << (store->statistics().mapBytes >> 20U)
                         << " MiB, of which " << (store->statistics().usedBytes >> 20U) << " are used");
}
