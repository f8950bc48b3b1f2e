#include "daemon/StoreWatch.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/LogOf.h"
#include "support/MemoryStore.h"

#include <cstdint>
#include <string>
#include <vector>

using namespace p2;
using namespace p2::app;

TEST_CASE("That the database is used at another host is one notice with the reason, and is counted") {
  test::MemoryStore store;
  store.moveTo({"MariaDB", {{"db1:3306", true, ""}, {"db2:3306", false, ""}}, {}, 0});
  core::Metrics metrics;
  proxy::PushProxy proxy({"push.example.org", {}}, store, {}, metrics);
  const test::LogOf log("p2");
  {
    const StoreWatch watch(store, proxy, metrics);
    store.moveTo({"MariaDB", {{"db1:3306", false, "It is down."}, {"db2:3306", true, ""}}, {3, 2, 1, 4}, 1});
    CHECK(test::eventually([&] { return metrics.total("p2_store_moves_total") == 1; }));
    store.fail("All are down.");
    CHECK(test::eventually([&] { return proxy.storeFailsSince().has_value(); }));
    store.fail("");
    CHECK(test::eventually([&] { return !proxy.storeFailsSince(); }));
  }
  CHECK(log.texts() == std::vector<std::string>{
                           "5 the database is used at db2:3306 now, no longer at db1:3306: It is down."});
  CHECK(metrics.total("p2_store_errors_total", {{"kind", "lost"}}) == 3);
  CHECK(metrics.total("p2_store_errors_total", {{"kind", "unfit"}}) == 2);
  CHECK(metrics.total("p2_store_errors_total", {{"kind", "contended"}}) == 1);
  CHECK(metrics.total("p2_store_errors_total", {{"kind", "refused"}}) == 4);
  CHECK(metrics.total("p2_store_moves_total") == 1);
}

TEST_CASE("That the database hides how many p2 share it is one warning, however often it does") {
  test::MemoryStore store;
  core::Metrics metrics;
  proxy::PushProxy proxy({"push.example.org", {}}, store, {}, metrics);
  const test::LogOf log("p2");
  const StoreWatch watch(store, proxy, metrics);
  store::Whereabouts known{"MariaDB", {}, {}, 0};
  known.sharersFault = "INSERT command denied.";
  for (const std::uint64_t moves : {1U, 2U, 3U}) {
    known.moves = moves;
    store.moveTo(known);
    CHECK(test::eventually([&] { return metrics.total("p2_store_moves_total") == moves; }));
  }
  CHECK(log.texts() ==
        std::vector<std::string>{
            "4 it is not known how many p2 serve phones from this store, so each may allow more "
            "than its part of limits.newRegistrationsPerHour and limits.unknownPerHour: INSERT "
            "command denied."});
}
