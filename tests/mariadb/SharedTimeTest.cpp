#include "Server.h"
#include "support/Catch.h"
#include "support/ImportAll.h"
#include "support/JumpingClock.h"
#include "support/ManualClock.h"

#include <chrono>
#include <memory>
#include <vector>

using namespace p2::mariadb;
using namespace p2::mariadb::test;
using namespace p2::store;
using namespace p2::store::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kDay = 24h;

void save(Store& store) {
  Answer<void> saved;
  store.saveServiceTime(saved.callback());
  CHECK(saved.get().ok());
}

std::uint64_t removedFrom(Store& store, std::chrono::seconds after) {
  Answer<RegistrationArchive::Swept> swept;
  store.removeExpired(after, 1000, swept.callback());
  return swept.value().changed;
}

/// Two p2 with one store, of which one serves for so many days, each saving as often as Expiry does or so.
struct Pair {
  Pair() {
    options.clock = &clock;
    active = opened(options);
    standby = opened(options);
    active->setServing(true);
    given = registered(*active, device(1), "token");
  }
  void serveFor(int days) {
    for (int day = 0; day < days; ++day) {
      clock.advance(kDay);
      save(*active);
      save(*standby);
    }
  }

  p2::test::ManualClock clock;
  Options options = Server::shared().freshTables();
  std::unique_ptr<Store> active;
  std::unique_ptr<Store> standby;
  Registration given;
};

}  // namespace

TEST_CASE("A p2 that stands by knows what the other has counted, and undoes none of it") {
  Pair both;
  both.serveFor(100);
  SECTION("it takes over") {
    both.active.reset();
    both.standby->setServing(true);
    CHECK(removedFrom(*both.standby, 101 * kDay) == 0);
    both.clock.advance(2 * kDay);
    CHECK(removedFrom(*both.standby, 101 * kDay) == 1);
  }
  SECTION("the other starts anew") {
    both.active = opened(both.options);
    CHECK(removedFrom(*both.active, 101 * kDay) == 0);
    CHECK(removedFrom(*both.active, 99 * kDay) == 1);
  }
}

TEST_CASE("No p2 counts for a registration more time than any phone could have used") {
  Pair both;
  both.serveFor(10);
  both.active->setServing(false);
  both.serveFor(100);
  both.standby->setServing(true);
  both.serveFor(10);
  for (auto* store : {both.active.get(), both.standby.get()}) CHECK(removedFrom(*store, 21 * kDay) == 0);
  CHECK(removedFrom(*both.standby, 19 * kDay) == 1);
}

TEST_CASE("Two that serve at once count the time once") {
  Pair both;
  both.standby->setServing(true);
  both.serveFor(50);
  for (auto* store : {both.active.get(), both.standby.get()}) CHECK(removedFrom(*store, 51 * kDay) == 0);
  CHECK(removedFrom(*both.active, 49 * kDay) == 1);
}

TEST_CASE("What is imported while p2 runs counts as renewed for it too") {
  Pair both;
  both.serveFor(100);
  // By a command, with dates of before.
  auto imported = both.given;
  imported.node = "imported";
  imported.key = device(2);
  {
    const auto command = opened(both.options);
    REQUIRE(p2::test::importAll(*command, std::vector{imported}).ok());
  }
  both.serveFor(29);
  for (auto* store : {both.active.get(), both.standby.get()}) CHECK(removedFrom(*store, 30 * kDay) == 0);
  both.clock.advance(2 * kDay);
  CHECK(removedFrom(*both.active, 30 * kDay) == 2);
}

TEST_CASE(
    "What one p2 has dated with a wrong clock no other one takes for old, but when its time has passed") {
  // At 1970, or within what the other one's clock has shown.
  const auto wrong = GENERATE(-20000 * kDay, -60 * kDay, -31 * kDay);
  p2::test::JumpingClock wrongClock, rightClock;
  auto options = Server::shared().freshTables();
  options.clock = &wrongClock;
  auto one = opened(options);
  options.clock = &rightClock;
  const auto other = opened(options);
  const auto pass = [&](std::chrono::minutes time) {
    wrongClock.jump(time);
    rightClock.jump(time);
  };
  const auto serveFor = [&](int days) {
    for (int day = 0; day < days; ++day) {
      pass(kDay);
      for (auto* store : {one.get(), other.get()}) save(*store);
    }
  };
  one->setServing(true);
  other->setServing(true);
  serveFor(100);

  wrongClock.setWall(wrong);
  registered(*one, device(1), "token");
  CHECK(removedFrom(*other, 30 * kDay) == 0);
  pass(30min);
  registered(*one, device(2), "token");
  CHECK(removedFrom(*other, 30 * kDay) == 0);
  SECTION("it is mended") {
    wrongClock.setWall(0s);
  }
  SECTION("it ends before it has stored anything more, and is mended") {
    one.reset();
    wrongClock.setWall(0s);
    options.clock = &wrongClock;
    one = opened(options);
    one->setServing(true);
  }
  serveFor(29);
  for (auto* store : {one.get(), other.get()}) CHECK(removedFrom(*store, 30 * kDay) == 0);
  serveFor(2);
  CHECK(removedFrom(*other, 30 * kDay) == 2);
}

TEST_CASE("A sweep knows of an import that this p2 has not heard of yet") {
  Pair both;
  both.serveFor(100);
  auto imported = both.given;
  imported.node = "imported";
  imported.key = device(2);
  {
    const auto command = opened(both.options);
    REQUIRE(p2::test::importAll(*command, std::vector{imported}).ok());
  }
  CHECK(removedFrom(*both.active, 30 * kDay) == 0);
}
