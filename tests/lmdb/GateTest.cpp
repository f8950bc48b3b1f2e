#include "Gate.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <atomic>
#include <future>
#include <optional>
#include <thread>
#include <vector>

using namespace p2::lmdb;
using p2::test::eventually;

TEST_CASE("Many pass a gate together, and whoever is alone is alone") {
  Gate gate;
  std::atomic<int> inside{0};
  std::atomic<bool> disturbed{false};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        const Gate::Pass pass(gate);
        ++inside;
        --inside;
      }
    });
  }
  // Ends although there is always somebody who wants in: the one is not starved by the many.
  for (int i = 0; i < 200; ++i) {
    const Gate::Alone alone(gate);
    if (inside != 0) disturbed = true;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(disturbed);
}

TEST_CASE("Passes overlap, and a moved pass is left once") {
  Gate gate;
  std::optional<Gate::Pass> first(std::in_place, gate);
  const Gate::Pass second(gate);
  {
    const Gate::Pass moved(std::move(*first));
    first.reset();
  }
  std::thread other([&] { const Gate::Pass third(gate); });
  other.join();
}

TEST_CASE("Who may not wait is let in while nobody is alone, and turned away once somebody waits to be") {
  Gate gate;
  auto first = Gate::Pass::withoutWaiting(gate);
  REQUIRE(first);
  CHECK(Gate::Pass::withoutWaiting(gate));
  std::atomic<bool> isAlone{false};
  std::promise<void> leave;
  std::thread one([&, left = leave.get_future()] {
    const Gate::Alone alone(gate);
    isAlone = true;
    left.wait();
  });
  CHECK(eventually([&] { return !Gate::Pass::withoutWaiting(gate); }));
  CHECK_FALSE(isAlone);
  first.reset();
  CHECK(eventually([&] { return isAlone.load(); }));
  CHECK_FALSE(Gate::Pass::withoutWaiting(gate));
  leave.set_value();
  one.join();
  CHECK(Gate::Pass::withoutWaiting(gate));
}
