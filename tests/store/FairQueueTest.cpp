#include "p2/store/FairQueue.h"
#include "support/Catch.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>

using p2::store::FairQueue;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Flows take turns, and inside a flow the first in is the first out") {
  FairQueue<std::string> queue(100);
  for (const char* name : {"a1", "a2", "a3", "a4", "b1", "b2", "c1"}) {
    CHECK_FALSE(queue.push(std::string(1, name[0]), name));
  }
  CHECK(queue.popBatch(3) == Names{"a1", "b1", "c1"});
  CHECK_FALSE(queue.push("c", "c2"));
  CHECK(queue.popBatch(100) == Names{"a2", "b2", "c2", "a3", "a4"});
}

TEST_CASE(
    "When it is full a shorter flow takes the place of the newest of the longest, and the longest is "
    "refused") {
  FairQueue<std::string> queue(4);
  for (const char* name : {"a1", "a2", "a3", "a4"}) CHECK_FALSE(queue.push("a", name));
  CHECK(queue.push("a", "a5") == "a5");
  CHECK(queue.push("b", "b1") == "a4");
  CHECK(queue.push("b", "b2") == "a3");
  CHECK(queue.push("b", "b3") == "b3");
  CHECK(queue.push("c", "c1") == "b2");
  CHECK(queue.push("c", "c2") == "c2");  // It would only change places with the one that has two.
  CHECK(queue.push("d", "d1") == "a2");
  CHECK(queue.push("e", "e1") == "e1");
  CHECK(queue.popBatch(100) == Names{"a1", "b1", "c1", "d1"});
}

TEST_CASE("The flow without a name goes first") {
  FairQueue<std::string> queue(100);
  for (const char* name : {"a1", "a2", "b1"}) CHECK_FALSE(queue.push(std::string(1, name[0]), name));
  for (const char* name : {"1", "2"}) CHECK_FALSE(queue.push("", name));
  CHECK(queue.popBatch(3) == Names{"1", "2", "a1"});
  CHECK_FALSE(queue.push("", "3"));
  CHECK(queue.popBatch(100) == Names{"3", "b1", "a2"});
}

TEST_CASE("A closed queue takes nothing and gives what it has") {
  FairQueue<std::string> queue(4);
  CHECK_FALSE(queue.push("a", "a1"));
  queue.close();
  CHECK(queue.push("a", "a2") == "a2");
  CHECK(queue.popBatch(10) == Names{"a1"});
  CHECK(queue.popBatch(10).empty());
}

TEST_CASE(
    "Of any pushes and takes each item comes back once, in the order of its flow, and the bound holds") {
  std::minstd_rand random(GENERATE(1U, 2U, 3U));
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  FairQueue<std::unique_ptr<std::pair<unsigned, unsigned>>> queue(20);
  std::map<unsigned, std::vector<unsigned>> model;  // By flow, what is queued.
  std::size_t size = 0;
  unsigned next = 0;
  for (int step = 0; step < 20000; ++step) {
    if (below(3) != 0) {
      const unsigned flow = below(2) == 0 ? 0 : below(8);
      const auto back =
          queue.push(std::to_string(flow), std::make_unique<std::pair<unsigned, unsigned>>(flow, next));
      model[flow].push_back(next++);
      if (!back) {
        ++size;
      } else {
        auto& loser = model[(*back)->first];
        REQUIRE(loser.back() == (*back)->second);
        loser.pop_back();
        for (const auto& [other, items] : model) CHECK(items.size() <= loser.size() + 1);
      }
    } else if (size > 0) {
      for (const auto& item : queue.popBatch(below(5) + 1)) {
        auto& items = model[item->first];
        REQUIRE(items.front() == item->second);
        items.erase(items.begin());
        --size;
      }
    }
    REQUIRE(size <= 20);
  }
}

TEST_CASE("A reader that waits is woken by a push and by the end") {
  FairQueue<int> queue(10);
  std::vector<int> got;
  std::thread reader([&] {
    for (auto batch = queue.popBatch(3); !batch.empty(); batch = queue.popBatch(3)) {
      got.insert(got.end(), batch.begin(), batch.end());
    }
  });
  for (int i = 0; i < 1000; ++i) {
    while (queue.push("a", i)) std::this_thread::yield();
  }
  queue.close();
  reader.join();
  CHECK(got.size() == 1000);
  CHECK(std::is_sorted(got.begin(), got.end()));
}
