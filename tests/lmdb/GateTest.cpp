#include "Gate.h"
#include "support/Catch.h"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

using namespace p2::lmdb;

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
