#include "History.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <string>

using namespace std::chrono_literals;
using p2::core::Metrics;
using p2::core::ScaledClock;
using p2::test::eventually;
using p2::web::History;
using p2::web::quantile;

TEST_CASE("A quantile lies in the bucket that holds it") {
  const std::vector<double> bounds{0.1, 0.2, 0.4};
  CHECK(quantile(bounds, {0, 0, 0, 0}, 0.5) == 0);
  CHECK(quantile(bounds, {10, 0, 0, 0}, 0.5) == Approx(0.05));
  CHECK(quantile(bounds, {0, 10, 0, 0}, 0.5) == Approx(0.15));
  CHECK(quantile(bounds, {5, 0, 5, 0}, 0.99) == Approx(0.396));
  CHECK(quantile(bounds, {0, 0, 0, 10}, 0.5) == Approx(0.4));
  CHECK(quantile(bounds, {98, 1, 1, 0}, 0.99) == Approx(0.2));
}

TEST_CASE("Samples are written as one array each") {
  History::Sample sample;
  sample.end = std::chrono::sys_seconds(1700000000s);
  sample.delivered = 7;
  sample.gone = 2;
  sample.failed = 1;
  sample.median = 0.01234;
  sample.p99 = 0.5;
  sample.connected = true;
  CHECK(toJson(std::vector<History::Sample>{}) == "[]");
  CHECK(toJson(std::vector{sample, sample}) ==
        "[[1700000000,7,2,1,12.3,500,1],[1700000000,7,2,1,12.3,500,1]]");
}

TEST_CASE("Each minute holds what happened in it, and the day before is forgotten") {
  Metrics metrics;
  const auto outcome = [&metrics](const char* service, const char* name) -> p2::core::Counter& {
    return metrics.counter("p2_pushes_total", "", {{"service", service}, {"outcome", name}});
  };
  outcome("one", "delivered").add(100);  // before the history begins
  const ScaledClock clock(60000);
  const History history(metrics, clock);
  outcome("one", "delivered").add(1);
  outcome("other", "delivered").add(2);
  outcome("one", "retry").add();
  metrics.counter("p2_push_given_up_total", "", {{"service", "other"}, {"reason", "deadline"}}).add();
  const auto total = [&] {
    std::uint64_t sum = 0;
    for (const auto& sample : history.samples()) sum += 100 * sample.delivered + sample.failed;
    return sum;
  };
  eventually([&] { return total() != 0; });
  CHECK(total() == 302);

  REQUIRE(eventually([&] { return history.samples().size() == History::kCapacity; }));
  REQUIRE(eventually([&] { return total() == 0; }));
  CHECK(history.samples().size() == History::kCapacity);
}
