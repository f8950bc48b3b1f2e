#include "Contract.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/MemoryStore.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What every store must do as RegistrationArchive and RegistrationStore.

using namespace p2::store;
using namespace p2::store::test;
using p2::test::importAll;

namespace {

using Row = ImportSource::Row;
using ImportReport = RegistrationArchive::ImportReport;
using Swept = RegistrationArchive::Swept;

/// Rows that are there already, and what becomes of them.
class Rows final : public ImportSource {
 public:
  explicit Rows(std::vector<Row> rows) : _rows(std::move(rows)) {}
  explicit Rows(const std::vector<Registration>& all) {
    for (const auto& each : all) _rows.push_back({each, _rows.size()});
  }

  p2::core::Result<std::optional<Row>> next() override {
    if (_next == breaksAt) return p2::core::Error{"The cable is out."};
    if (_next == _rows.size()) return std::optional<Row>();
    return std::optional(_rows[_next++]);
  }
  void refuse(std::uint64_t line, const std::string& why) override {
    refused.insert(why.empty() ? SIZE_MAX : line);
  }
  bool confirm() override { return confirms; }

  std::size_t breaksAt = SIZE_MAX;
  bool confirms = true;
  std::set<std::uint64_t> refused;

 private:
  std::vector<Row> _rows;
  std::size_t _next = 0;
};

std::vector<Registration> rowsOf(unsigned count) {
  std::vector<Registration> rows;
  for (unsigned i = 0; i < count; ++i) rows.push_back(imported(i));
  return rows;
}

std::vector<Registration> walked(const RegistrationArchive& store) {
  std::vector<Registration> all;
  REQUIRE(store
              .forEach([&](const Registration& registration) {
                all.push_back(registration);
                return true;
              })
              .ok());
  return all;
}

std::vector<Registration> byNode(std::vector<Registration> rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.node < b.node; });
  return rows;
}

Swept expired(RegistrationStore& store, std::chrono::seconds after, std::size_t atMost = 100000) {
  Answer<Swept> answer;
  store.removeExpired(after, atMost, answer.callback());
  return answer.value();
}

Swept withoutDomains(RegistrationStore& store) {
  Answer<Swept> answer;
  store.dropDomains(answer.callback());
  return answer.value();
}

bool forgotten(RegistrationStore& store, const std::string& node) {
  Answer<bool> answer;
  store.forget(node, answer.callback());
  return answer.value();
}

}  // namespace

TEST_CASE("Contract: a walk gives every registration, in the order of the nodes, until it is told to stop") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  CHECK(walked(store).empty());
  const auto expected = byNode(rowsOf(200));
  REQUIRE(importAll(store, rowsOf(200)).ok());
  CHECK(walked(store) == expected);
  std::vector<Registration> some;
  REQUIRE(store
              .forEach([&](const Registration& registration) {
                some.push_back(registration);
                return some.size() < 3;
              })
              .ok());
  CHECK(some == std::vector(expected.begin(), expected.begin() + 3));
}

TEST_CASE("Contract: a walk may take its time, in which the store changes") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  const auto rows = byNode(rowsOf(50));
  REQUIRE(importAll(store, rows).ok());
  std::size_t met = 0;
  REQUIRE(store
              .forEach([&](const Registration& registration) {
                CHECK(registration.node == rows[met++].node);
                CHECK(registered(store, registration.key, "new").node == registration.node);
                return true;
              })
              .ok());
  CHECK(met == rows.size());
  for (const auto& registration : walked(store)) CHECK(registration.target == token("new"));
}

TEST_CASE("Contract: imported registrations keep what they came with, and an import can be run again") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  const auto first = importAll(store, rowsOf(100)).value();
  CHECK(first.imported);
  CHECK(first.durable);
  CHECK(first.added == 100);
  CHECK(first.updated + first.unchanged == 0);
  const auto second = importAll(store, rowsOf(100)).value();
  CHECK(second.unchanged == 100);
  CHECK(second.added + second.updated == 0);
  for (const auto& row : rowsOf(100)) {
    CHECK(lookedUp(store, row.node) == row);
    CHECK(lookedUp(store, row.key) == row);
  }
  CHECK(store.statistics().registrations == 100);
  const auto renewed = registered(store, imported(5).key, "new token");
  CHECK(renewed.node == imported(5).node);
  CHECK(renewed.secret == imported(5).secret);
}

TEST_CASE("Contract: of two states of one registration the later one wins, and the first date is kept") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  REQUIRE(importAll(store, rowsOf(4)).ok());
  auto rows = rowsOf(5);
  rows[0].target = token("newer");
  rows[0].lastRegistered += 1h;
  rows[1].target = token("older");
  rows[1].lastRegistered -= 1h;
  rows[2].created += 2h;
  rows[2].lastRegistered += 2h;
  rows[3].target = token("as old");
  const auto report = importAll(store, rows).value();
  CHECK(report.added == 1);
  CHECK(report.updated == 2);
  CHECK(report.unchanged == 2);
  CHECK(lookedUp(store, rows[0].node) == rows[0]);
  CHECK(lookedUp(store, rows[1].node) == imported(1));
  CHECK(lookedUp(store, rows[2].node)->created == imported(2).created);
  CHECK(lookedUp(store, rows[2].node)->lastRegistered == rows[2].lastRegistered);
  CHECK(lookedUp(store, rows[3].node) == rows[3]);
}

TEST_CASE("Contract: a row without dates of its own does not replace what its phone has renewed since") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  auto before = rowsOf(2);
  before[0].lastRegistered += 1h;
  REQUIRE(importAll(store, before).ok());
  std::vector<Row> rows;
  for (auto row : rowsOf(2)) {
    row.target = token("from a dump");
    row.created += 24h;
    row.lastRegistered += 24h;
    rows.push_back({row, rows.size(), false});
  }
  Rows source(rows);
  REQUIRE(store.importRows(source).value().updated == 1);
  CHECK(lookedUp(store, before[0].node) == before[0]);
  CHECK(lookedUp(store, before[1].node)->target == token("from a dump"));
}

TEST_CASE(
    "Contract: a row that cannot be is refused, and the others are imported if the source wants it so") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  const auto there = registered(store, device(500), "token");
  auto rows = rowsOf(10);
  for (auto& row : rows) row.lastRegistered += 24h * 3650;  // all would win
  std::set<std::uint64_t> bad;
  SECTION("impossible values") {
    rows[3].node = "";
    rows[7].target = token("");
    bad = {3, 7};
  }
  SECTION("one node for two devices") {
    rows[6].node = rows[8].node = rows[2].node;
    bad = {6, 8};
  }
  SECTION("two nodes for one device") {
    rows[9].key = rows[4].key;
    bad = {9};
  }
  SECTION("a node that the store has for another device") {
    rows[1].node = there.node;
    bad = {1};
  }
  SECTION("a device that the store has with another node") {
    rows[0].key = there.key;
    bad = {0};
  }
  SECTION("a node that was that of an impossible row is free") {
    rows[3].target = token("");
    rows[4].node = rows[3].node;
    bad = {3};
  }
  Rows unwanted(rows);
  unwanted.confirms = false;
  CHECK_FALSE(store.importRows(unwanted).value().imported);
  CHECK(unwanted.refused == bad);
  CHECK(walked(store) == std::vector{there});

  Rows wanted(rows);
  const auto report = store.importRows(wanted).value();
  CHECK(report.imported);
  CHECK(report.added == rows.size() - bad.size());
  CHECK(wanted.refused == bad);
  std::vector<Registration> expected{there};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (bad.count(i) == 0) expected.push_back(rows[i]);
  }
  CHECK(walked(store) == byNode(expected));
}

TEST_CASE("Contract: of an import whose source fails nothing is there") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  REQUIRE(importAll(store, rowsOf(3)).ok());
  Rows source(rowsOf(50));
  source.breaksAt = 40;
  const auto report = store.importRows(source);
  REQUIRE_FALSE(report.ok());
  CHECK(report.error() == "The cable is out.");
  CHECK(walked(store) == byNode(rowsOf(3)));
}

TEST_CASE(
    "Contract: what no phone has renewed for long enough is removed, a part at a time, and nothing else") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  store.setServing(true);
  for (unsigned i = 0; i < 30; ++i) static_cast<void>(registered(store, device(i), "token"));
  subject->clock.advance(24h * 100);
  for (unsigned i = 20; i < 30; ++i) static_cast<void>(registered(store, device(i), "token"));
  CHECK(expired(store, 24h * 101).changed == 0);
  const auto none = expired(store, 24h * 90, 0);
  CHECK(none.changed == 0);
  CHECK(none.more);
  const auto some = expired(store, 24h * 90, 12);
  CHECK(some.changed == 12);
  CHECK(some.more);
  const auto rest = expired(store, 24h * 90);
  CHECK(rest.changed == 8);
  CHECK(rest.unreadable == 0);
  CHECK_FALSE(rest.more);
  CHECK(store.statistics().registrations == 10);
  for (unsigned i = 0; i < 30; ++i) CHECK(lookedUp(store, device(i)).has_value() == (i >= 20));
}

TEST_CASE(
    "Contract: time in which no phone could reach p2, a clock that jumps and an import let nothing expire") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  auto& clock = subject->clock;
  store.setServing(true);
  static_cast<void>(registered(store, device(7000), "token"));
  SECTION("nobody could") {
    store.setServing(false);
    clock.advance(24h * 400);
    store.setServing(true);
  }
  SECTION("the clock is wrong") {
    clock.jump(24h * 400);
  }
  SECTION("an import brings dates of other clocks") {
    clock.advance(24h * 400);
    REQUIRE(importAll(store, rowsOf(3)).ok());
  }
  clock.advance(24h * 29);
  CHECK(expired(store, 24h * 30).changed == 0);
  Answer<void> saved;
  store.saveServiceTime(saved.callback());
  CHECK(saved.get().ok());
  clock.advance(24h * 2);
  CHECK(expired(store, 24h * 30).changed > 0);
  CHECK(store.statistics().registrations == 0);
}

TEST_CASE("Contract: a clock that is not set lets nothing expire, and none of its time counts") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  auto& clock = subject->clock;
  store.setServing(true);
  const auto dated = registered(store, device(1), "token").lastRegistered;
  clock.advance(24h * 29);
  CHECK(expired(store, 24h * 30).changed == 0);
  clock.believe(false);
  clock.set({});
  store.setServing(false);
  store.setServing(true);
  Answer<void> saved;
  store.saveServiceTime(saved.callback());
  CHECK(saved.get().ok());
  clock.advance(24h * 60);
  CHECK(expired(store, 24h * 30).changed == 0);
  clock.set(dated + 24h * 89);
  clock.believe(true);
  CHECK(expired(store, 24h * 30).changed == 0);
  clock.advance(24h * 2);
  CHECK(expired(store, 24h * 30).changed == 1);
}

TEST_CASE("Contract: who renews while the clock is behind does not expire early, and keeps the later date") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  auto& clock = subject->clock;
  const bool anew = GENERATE(false, true);
  const auto behind = GENERATE(3h, 24h * 60, 24h * 19000);
  store.setServing(true);
  clock.advance(24h * 30);
  const auto dated = registered(store, device(1), "token").lastRegistered;
  static_cast<void>(registered(store, device(2), "token"));
  clock.advance(24h * 89);
  static_cast<void>(expired(store, 24h * 90));
  clock.jump(-(behind + 24h * 89));
  const auto renewed = registered(store, device(1), anew ? "another token" : "token");
  CHECK(renewed.lastRegistered == dated);
  clock.jump(behind + 24h * 89);
  clock.advance(24h * 2);
  CHECK(expired(store, 24h * 90).changed == 0);
  CHECK(lookedUp(store, device(1)).has_value());
  clock.advance(24h * 91);
  CHECK(expired(store, 24h * 90).changed == 2);
}

TEST_CASE("Contract: domains are dropped from all that is there, and nothing else of it changes") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  auto rows = rowsOf(40);
  rows[7].domain.clear();
  REQUIRE(importAll(store, rows).ok());
  const auto dropped = withoutDomains(store);
  CHECK(dropped.changed == 39);
  CHECK_FALSE(dropped.more);
  for (auto& row : rows) row.domain.clear();
  CHECK(walked(store) == byNode(rows));
  CHECK(withoutDomains(store).changed == 0);
}

TEST_CASE("Contract: what is forgotten is gone, and whatever was not there is told") {
  const auto subject = anySubject();
  INFO(subject->name);
  auto& store = *subject->store;
  REQUIRE(importAll(store, rowsOf(3)).ok());
  CHECK(forgotten(store, imported(1).node));
  CHECK_FALSE(forgotten(store, imported(1).node));
  CHECK_FALSE(forgotten(store, ""));
  CHECK_FALSE(lookedUp(store, imported(1).key));
  CHECK(walked(store) == byNode({imported(0), imported(2)}));
  CHECK(store.statistics().registrations == 2);
  CHECK(store.statistics().pendingChanges == 0);
}

namespace {

/// A store beside the model, of which the same is asked.
class ArchiveDuel {
 public:
  ArchiveDuel(Subject& subject, unsigned seed) : _subject(subject), _random(seed) {
    _store.setServing(true);
    _model.setServing(true);
  }

  void step() {
    switch (below(8)) {
      case 0:
      case 1:
        return import();
      case 2:
        return expire();
      case 3:
        return forget();
      case 4:
        if (below(10) == 0) CHECK(withoutDomains(_store).changed == withoutDomains(_model).changed);
        break;
      case 5:
        return unregister(device(below(kPool)));
      case 6:
        return renew();
      default:
        _subject.clock.advance(std::chrono::hours(below(60)));
    }
  }

  void compare() {
    const auto all = walked(_model);
    REQUIRE(walked(_store) == all);
    CHECK(_store.statistics().registrations == all.size());
    CHECK(_store.holdsAny() == !all.empty());
    _node = all.empty() ? "" : all[below(static_cast<unsigned>(all.size()))].node;
  }

 private:
  static constexpr unsigned kPool = 40;

  unsigned below(unsigned limit) { return static_cast<unsigned>(_random() % limit); }

  /// Rows that are in no two minds about each other; the store may be about them.
  std::vector<Row> rows() {
    std::vector<Row> rows;
    for (unsigned i = 0; i < kPool; ++i) {
      if (below(4) != 0) continue;
      auto row = imported(i, _subject.clock.time() - std::chrono::hours(below(90)));
      row.lastRegistered += std::chrono::hours(below(3) * 24);
      row.target = token("token" + std::to_string(below(3)));
      if (below(10) == 0) row.node = imported(++_fresh).node;
      if (below(10) == 0) row.key = device(++_fresh);
      if (below(30) == 0) row.secret = p2::core::Secret(std::string(kMaxSecretBytes + 1, 's'));
      rows.push_back({row, rows.size(), below(2) == 0});
    }
    return rows;
  }

  void import() {
    const auto given = rows();
    Rows ours(given), theirs(given);
    ours.confirms = theirs.confirms = below(5) != 0;
    const auto got = _store.importRows(ours).value();
    const auto expected = _model.importRows(theirs).value();
    CHECK(ours.refused == theirs.refused);
    CHECK(got.added == expected.added);
    CHECK(got.updated == expected.updated);
    CHECK(got.unchanged == expected.unchanged);
    CHECK(got.imported == expected.imported);
  }

  void expire() {
    const auto after = std::chrono::hours(24 + below(200));
    const auto got = expired(_store, after), expected = expired(_model, after);
    CHECK(got.changed == expected.changed);
    CHECK(got.more == expected.more);
  }

  void forget() {
    const bool there = lookedUp(_model, _node).has_value();
    CHECK(forgotten(_store, _node) == there);
    CHECK(forgotten(_model, _node) == there);
  }

  void unregister(const DeviceKey& key) {
    const bool there = lookedUp(_model, key).has_value();
    CHECK(unregistered(_store, key) == there);
    CHECK(unregistered(_model, key) == there);
  }

  /// Only what is there: nodes and secrets of others are each store's own.
  void renew() {
    const auto held = lookedUp(_model, _node);
    if (!held) return;
    const auto text = "renewed" + std::to_string(below(3));
    CHECK(registered(_store, held->key, text) == registered(_model, held->key, text));
  }

  Subject& _subject;
  RegistrationStore& _store = *_subject.store;
  p2::test::MemoryStore _model{p2::test::MemoryStore::Answers::atOnce, _subject.clock};
  std::minstd_rand _random;
  std::string _node;
  unsigned _fresh = 10000;
};

}  // namespace

TEST_CASE("Contract: imports, expiry and all else that concerns many agree with a map over random changes") {
  const auto subject = anySubject();
  INFO(subject->name);
  ArchiveDuel duel(*subject, 11);
  for (int i = 0; i < 600; ++i) {
    duel.step();
    duel.compare();
  }
}
