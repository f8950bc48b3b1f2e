#include "p2/core/BoundedQueue.h"
#include "support/Catch.h"

#include <memory>
#include <set>
#include <thread>
#include <vector>

using p2::core::BoundedQueue;

TEST_CASE("A queue gives its items in order, in batches of the size asked for") {
  BoundedQueue<int> queue(10);
  for (int i = 1; i <= 5; ++i) CHECK_FALSE(queue.push(i));
  CHECK(queue.size() == 5);
  CHECK(queue.popBatch(3) == std::vector{1, 2, 3});
  CHECK(queue.popBatch(3) == std::vector{4, 5});
  CHECK(queue.size() == 0);
}

TEST_CASE("A full queue gives the item back at once") {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  CHECK_FALSE(queue.push(std::make_unique<int>(1)));
  auto refused = queue.push(std::make_unique<int>(2));
  REQUIRE(refused);
  CHECK(**refused == 2);
  CHECK(queue.size() == 1);
  queue.popBatch(1);
  CHECK_FALSE(queue.push(std::move(*refused)));
}

TEST_CASE("A closed queue refuses new items and gives out those it has") {
  BoundedQueue<int> queue(10);
  CHECK_FALSE(queue.push(1));
  queue.close();
  CHECK(queue.push(2) == 2);
  CHECK(queue.popBatch(10) == std::vector{1});
  CHECK(queue.popBatch(10).empty());
}

TEST_CASE("Closing wakes everybody who waits for an item") {
  BoundedQueue<int> queue(1);
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) waiting.emplace_back([&queue] { queue.popBatch(1); });
  queue.close();
  for (auto& thread : waiting) thread.join();
  CHECK(queue.popBatch(1).empty());
}

TEST_CASE("Every item that several threads put into a queue comes out once") {
  constexpr int kThreads = 4;
  constexpr int kItems = 5000;
  BoundedQueue<int> queue(64);
  std::vector<std::thread> producers;
  for (int thread = 0; thread < kThreads; ++thread) {
    producers.emplace_back([&queue, thread] {
      for (int i = 0; i < kItems; ++i) {
        while (queue.push(thread * kItems + i)) std::this_thread::yield();
      }
    });
  }
  std::vector<int> last(kThreads, -1);
  std::set<int> seen;
  bool ordered = true;
  while (seen.size() < kThreads * kItems) {
    for (const int item : queue.popBatch(100)) {
      const auto producer = static_cast<std::size_t>(item / kItems);
      ordered = ordered && item > last[producer];
      last[producer] = item;
      seen.insert(item);
    }
  }
  for (auto& thread : producers) thread.join();
  CHECK(ordered);
  CHECK(queue.size() == 0);
}
