#include "p2/core/Rounds.h"
#include "support/Catch.h"
#include "support/Eventually.h"

#include <atomic>
#include <chrono>

using namespace std::chrono_literals;
using p2::core::Rounds;

TEST_CASE("Rounds follow each other with the rest that the last one wished for, and end at once in a rest") {
  std::atomic<int> count{0};
  {
    const Rounds rounds(
        0s, [&](const auto&) { return ++count < 3 ? Rounds::Duration(1ms) : Rounds::Duration(1h); });
    CHECK(p2::test::eventually([&] { return count == 3; }));
  }
  CHECK(count == 3);
}

TEST_CASE("Rounds that are stopped in the first rest have never been gone") {
  std::atomic<int> count{0};
  {
    const Rounds rounds(1h, [&](const auto&) {
      ++count;
      return 1h;
    });
  }
  CHECK(count == 0);
}

TEST_CASE("A round that is under way knows that it shall end, is waited for, and is the last") {
  std::atomic<int> begun{0}, ended{0};
  {
    Rounds rounds(0s, [&](const std::atomic<bool>& stopping) {
      ++begun;
      CHECK(p2::test::eventually([&] { return stopping.load(); }));
      ++ended;
      return 0s;
    });
    CHECK(p2::test::eventually([&] { return begun == 1; }));
    CHECK(ended == 0);
    rounds.stop();
  }
  CHECK(begun == 1);
  CHECK(ended == 1);
}
