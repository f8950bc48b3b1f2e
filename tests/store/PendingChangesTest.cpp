#include "Samples.h"
#include "p2/store/PendingChanges.h"
#include "support/Catch.h"

#include <optional>
#include <utility>

using namespace p2::store;
using namespace p2::store::test;

TEST_CASE("A device's registration may change while a ticket of it, or of any, is out") {
  PendingChanges pending;
  CHECK_FALSE(pending.mayConcern(device(1)));
  {
    auto one = pending.of(device(1));
    CHECK(pending.mayConcern(device(1)));
    CHECK_FALSE(pending.mayConcern(device(2)));
    CHECK_FALSE(pending.mayConcern(device(1, true)));
    const auto again = pending.of(device(1));
    const auto moved = std::move(one);
    CHECK(pending.count() == 2);
  }
  CHECK_FALSE(pending.mayConcern(device(1)));
  {
    const auto any = pending.ofAny();
    CHECK(pending.mayConcern(device(1)));
    CHECK(pending.mayConcern(device(2)));
  }
  CHECK_FALSE(pending.mayConcern(device(2)));
  CHECK(pending.count() == 0);
}
