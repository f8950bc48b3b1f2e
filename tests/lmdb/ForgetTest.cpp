#include "Stores.h"
#include "p2/store/Forget.h"
#include "store/Samples.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/ImportAll.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

using namespace p2::lmdb;
using namespace p2::lmdb::test;
using namespace p2::store;
using namespace p2::store::test;

namespace {

/// A store with two registrations, whose writer can be held fast.
struct Fixture {
  explicit Fixture(std::size_t queue = 100) {
    Store::Options options;
    options.queueCapacity = queue;
    options.path = directory.path();
    store = opened(options);
    REQUIRE(p2::test::importAll(*store, rows).ok());
  }

  const std::vector<Registration> rows{imported(1), imported(2)};
  const std::string first = rows[0].node, second = rows[1].node;
  TemporaryDirectory directory;
  std::unique_ptr<Store> store;
};

}  // namespace

TEST_CASE("Forgetting nodes tells how many there were, and touches no other") {
  Fixture fixture;
  const std::vector<std::string> nodes{fixture.first, "unknown"};
  const auto forgotten = forgetNodes(*fixture.store, nodes, 10s);
  REQUIRE(forgotten.ok());
  CHECK(forgotten.value() == 1);
  CHECK_FALSE(found(*fixture.store, fixture.first));
  CHECK(found(*fixture.store, fixture.second));
  CHECK(forgetNodes(*fixture.store, {}, 10s).value() == 0);
}

TEST_CASE("Whoever forgets waits for a disk that hangs no longer than he said, and it is done later") {
  Fixture fixture;
  HeldWriter disk(*fixture.store);
  const std::vector<std::string> nodes{fixture.first};
  const auto forgotten = forgetNodes(*fixture.store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().find("in time") != std::string::npos);
  disk.release();
  CHECK(p2::test::eventually([&] { return !found(*fixture.store, fixture.first); }));
  CHECK(found(*fixture.store, fixture.second));
}

TEST_CASE("What is refused weighs more than what is late: it is not removed later") {
  Fixture fixture(1);
  HeldWriter disk(*fixture.store);
  const std::vector<std::string> nodes{fixture.first, fixture.second};
  const auto forgotten = forgetNodes(*fixture.store, nodes, 20ms);
  REQUIRE_FALSE(forgotten.ok());
  CHECK(forgotten.error().find("in time") == std::string::npos);
  disk.release();
  CHECK(p2::test::eventually([&] { return !found(*fixture.store, fixture.first); }));
  CHECK(found(*fixture.store, fixture.second));
}
