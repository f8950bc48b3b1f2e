#include "Stores.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/ImportAll.h"

#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

std::unique_ptr<Store> openedWith(bool keepDomain, const TemporaryDirectory& directory) {
  Store::Options options;
  options.path = directory.path();
  options.keepDomain = keepDomain;
  return opened(options);
}

std::uint64_t dropped(Store& store) {
  Answer<Store::Swept> answer;
  store.dropDomains(answer.callback());
  return answer.value().changed;
}

std::vector<Registration> imports(unsigned count) {
  std::vector<Registration> rows;
  for (unsigned i = 0; i < count; ++i) rows.push_back(imported(i));
  return rows;
}

}  // namespace

TEST_CASE("A store that keeps no domains stores none, whether registered or imported") {
  const TemporaryDirectory directory;
  const auto store = openedWith(false, directory);
  const auto phone = registered(*store, device(1), "token", "jabber.de");
  CHECK(phone.domain.empty());
  CHECK(found(*store, phone.node)->domain.empty());
  const auto rows = imports(3);
  REQUIRE(p2::test::importAll(*store, std::vector(rows.begin() + 2, rows.end())).ok());
  CHECK(found(*store, rows[2].node)->domain.empty());
}

TEST_CASE("Only a registration without a domain takes pushes from every one") {
  auto registration = imported(1);
  CHECK(registration.admits("example.org"));
  CHECK_FALSE(registration.admits("evil.example"));
  CHECK_FALSE(registration.admits(""));
  registration.domain.clear();
  CHECK(registration.admits("evil.example"));
}

TEST_CASE("A phone that comes back keeps node and secret when the domain goes, and when it comes again") {
  const TemporaryDirectory directory;
  auto store = openedWith(true, directory);
  const auto before = registered(*store, device(1), "token", "jabber.de");
  store.reset();
  store = openedWith(false, directory);
  auto without = before;
  without.domain.clear();
  CHECK(registered(*store, device(1), "token", "jabber.de") == without);
  CHECK(found(*store, before.node) == without);
  store.reset();
  store = openedWith(true, directory);
  CHECK(registered(*store, device(1), "token", "jabber.de") == before);
  CHECK(found(*store, before.node) == before);
}

TEST_CASE("Domains are dropped from all that is there, and nothing else of it changes") {
  const TemporaryDirectory directory;
  const auto store = openedWith(true, directory);
  const auto rows = imports(1700);  // more than one step's worth
  REQUIRE(p2::test::importAll(*store, rows).ok());
  CHECK(dropped(*store) == 1700);
  for (auto row : rows) {
    row.domain.clear();
    REQUIRE(found(*store, row.node) == row);
    REQUIRE(found(*store, row.key) == row);
  }
  CHECK(store->statistics().registrations == 1700);
  CHECK(dropped(*store) == 0);
}

TEST_CASE("A registration that lacks its domain is refused, lest every domain may push to it") {
  const TemporaryDirectory directory;
  for (const bool keepDomain : {true, false}) {
    const auto store = openedWith(keepDomain, directory);
    const auto answer = registering(*store, device(1), "token", "");
    REQUIRE_FALSE(answer.get().ok());
    CHECK(answer.get().error() == "The domain is missing.");
  }
}
