#include "PushQueue.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::push::Message;
using p2::push::Outcome;
using p2::push::PushQueue;
using Added = PushQueue::Added;

namespace {

const PushQueue::TimePoint kBegin{1000h};

struct QueueFixture {
  PushQueue queue{{.nodes = 3, .bytes = 10, .deadline = 25s, .margin = 1s}};
  std::map<std::string, int> answered;  // by the last call: how often, by who waits
  PushQueue::Answers displaced;         // by the last `add`

  Added add(const std::string& node, const std::string& who, PushQueue::TimePoint now = kBegin,
            const std::string& token = "token", bool isImportant = false) {
    return addTo("flow", node, who, now, token, isImportant);
  }
  Added addTo(const std::string& flow, const std::string& node, const std::string& who,
              PushQueue::TimePoint now = kBegin, const std::string& token = "token", bool isImportant = false,
              std::size_t bytes = 1) {
    Message message;
    message.target.value = p2::core::Secret(token);
    message.isImportant = isImportant;
    PushQueue::Done done = [this, who](const Outcome&) { ++answered[who]; };
    const Added added = queue.add(flow, node, message, done, bytes, now, displaced);
    if (added == Added::full) CHECK(done);
    if (added == Added::queued) CHECK(message.target.value.empty());  // no trace of a push that is over
    return added;
  }

  /// Calls who is to be answered and gives their names, sorted.
  std::string call(PushQueue::Answers& answers) {
    answered.clear();
    for (auto& answer : answers) answer.done(Outcome());
    answers.clear();
    std::string names;
    for (const auto& [who, times] : answered) names += who + std::string(times == 1 ? "" : "!");
    return names;
  }

  std::string finish(PushQueue::Handle push) {
    PushQueue::Answers answers;
    queue.finish(push, answers);
    return call(answers);
  }
  /// Takes and finishes all that is ready; gives who is answered, in order.
  std::string takeAll() {
    std::string order;
    while (queue.ready() > 0) order += finish(queue.take(kBegin));
    return order;
  }
  std::string retry(PushQueue::Handle push, PushQueue::TimePoint at, bool expected = true) {
    PushQueue::Answers answers;
    CHECK(queue.retry(push, at, answers) == expected);
    return call(answers);
  }
  std::string advance(PushQueue::TimePoint now) {
    PushQueue::Answers answers;
    queue.advance(now, answers);
    return call(answers);
  }
};

std::string token(PushQueue::Handle push) {
  return PushQueue::message(push).target.value.reveal();
}

}  // namespace

TEST_CASE_METHOD(QueueFixture, "Pushes for different nodes are taken in order") {
  CHECK(add("n1", "a", kBegin, "t1") == Added::queued);
  CHECK(add("n2", "b", kBegin, "t2") == Added::queued);
  CHECK(queue.ready() == 2);
  const auto first = queue.take(kBegin);
  CHECK(token(first) == "t1");
  CHECK(finish(first) == "a");
  const auto second = queue.take(kBegin);
  CHECK(token(second) == "t2");
  CHECK(finish(second) == "b");
  CHECK(queue.waiters() == 0);
}

TEST_CASE_METHOD(QueueFixture, "A push for a queued node joins it with the newer target") {
  add("n", "a", kBegin, "old");
  CHECK(add("n", "b", kBegin + 1s, "new") == Added::joined);
  CHECK(queue.ready() == 1);
  CHECK(queue.waiters() == 2);
  const auto push = queue.take(kBegin);
  CHECK(token(push) == "new");
  CHECK(finish(push) == "ab");
  CHECK(queue.ready() == 0);
}

TEST_CASE_METHOD(QueueFixture, "A joined push has a body if any of its messages has") {
  const auto bodies = GENERATE(table<bool, bool, bool>(
      {{false, false, false}, {false, true, true}, {true, false, true}, {true, true, true}}));
  add("n", "a", kBegin, "t", std::get<0>(bodies));
  add("n", "b", kBegin, "t", std::get<1>(bodies));
  CHECK(PushQueue::message(queue.take(kBegin)).isImportant == std::get<2>(bodies));
}

TEST_CASE_METHOD(QueueFixture, "A push for a node that is sending is queued anew, and later ones join that") {
  add("n", "a", kBegin, "t1");
  const auto first = queue.take(kBegin);
  CHECK(add("n", "b", kBegin, "t2") == Added::queued);
  CHECK(add("n", "c", kBegin, "t3") == Added::joined);
  CHECK(token(first) == "t1");
  CHECK(finish(first) == "a");
  const auto second = queue.take(kBegin);
  CHECK(token(second) == "t3");
  CHECK(finish(second) == "bc");
}

TEST_CASE_METHOD(QueueFixture, "A full queue refuses new nodes but not those that it has") {
  add("n1", "a");
  add("n2", "b");
  add("n3", "c");
  CHECK(add("n4", "d") == Added::full);
  CHECK(add("n3", "e") == Added::joined);
  queue.take(kBegin);
  CHECK(add("n4", "d") == Added::queued);
}

TEST_CASE_METHOD(QueueFixture, "Those who wait are bounded whatever they wait for") {
  for (int i = 0; i < 3; ++i) CHECK(add("n", "a") != Added::full);
  queue.take(kBegin);
  for (int i = 0; i < 2; ++i) CHECK(add("n", "b") != Added::full);
  CHECK(add("n", "c") == Added::full);
  CHECK(add("other", "c") == Added::full);
}

TEST_CASE_METHOD(QueueFixture, "Those who wait in one flow always leave as much room to others") {
  while (add("n", "a") != Added::full) continue;
  CHECK(queue.waiters() == 5);
  while (addTo("flow2", "m", "b") != Added::full) continue;
  CHECK(queue.waiters() == 8);
  CHECK(addTo("flow3", "o", "c") == Added::queued);
  CHECK(finish(queue.take(kBegin)) == "a!");
  CHECK(add("n", "a") == Added::queued);
}

TEST_CASE_METHOD(QueueFixture, "Who holds much leaves room for few") {
  const auto addBytes = [&](const std::string& node, std::size_t bytes) {
    return addTo(node, node, node, kBegin, "token", false, bytes);
  };
  CHECK(addBytes("a", 11) == Added::full);
  CHECK(addBytes("a", 5) == Added::queued);
  CHECK(addBytes("a", 1) == Added::full);
  CHECK(addBytes("b", 6) == Added::full);
  CHECK(addBytes("b", 5) == Added::queued);
  CHECK(finish(queue.take(kBegin)) == "a");
  CHECK(addBytes("c", 5) == Added::queued);
  CHECK(advance(kBegin + 25s) == "bc");
  CHECK(addBytes("a", 10) == Added::queued);
}

TEST_CASE_METHOD(QueueFixture,
                 "When memory is short the flow that holds the most gives way, its newest first") {
  queue.setLimits({.nodes = 100, .bytes = 1000, .deadline = 25s, .margin = 1s});
  // Each takes half of what is left, for one node and many who wait.
  for (int flow = 0; flow < 10; ++flow) {
    const std::string name = "flood" + std::to_string(flow);
    for (int i = 0; i < 1000; ++i) addTo(name, name, name + "." + std::to_string(i));
    call(displaced);
  }
  std::size_t gaveWay = 0;
  for (int flow = 0; flow < 30; ++flow) {
    const std::string name = "honest" + std::to_string(flow);
    CHECK(addTo(name, name, name, kBegin, "token", false, 10) == Added::queued);
    gaveWay += displaced.size();
    CHECK(call(displaced).find("honest") == std::string::npos);
  }
  CHECK(gaveWay <= 310);  // no more than it takes
  CHECK(gaveWay >= 290);
}

TEST_CASE_METHOD(QueueFixture,
                 "Who holds most does not displace others, nor does anybody those that are sending") {
  queue.setLimits({.nodes = 100, .bytes = 100, .deadline = 25s, .margin = 1s});
  CHECK(addTo("long", "n", "a", kBegin, "token", false, 50) == Added::queued);
  CHECK(addTo("other", "m", "b", kBegin, "token", false, 25) == Added::queued);
  CHECK(addTo("long", "n2", "c", kBegin, "token", false, 10) == Added::full);
  CHECK(displaced.empty());
  const auto sending = queue.take(kBegin);
  CHECK(token(sending) == "token");
  CHECK(addTo("third", "k", "d", kBegin, "token", false, 24) == Added::queued);
  CHECK(addTo("fourth", "l", "e", kBegin, "token", false, 5) == Added::full);
  CHECK(displaced.empty());
  CHECK(finish(sending) == "a");
}

TEST_CASE_METHOD(QueueFixture, "Who joins a node of another flow is weighed with that one") {
  queue.setLimits({.nodes = 100, .bytes = 100, .deadline = 25s, .margin = 1s});
  addTo("x", "n", "a");
  int joined = 0;
  while (joined < 1000 && addTo("y", "n", "b") == Added::joined) ++joined;
  CHECK(joined == 49);
  CHECK(addTo("z", "m", "c") == Added::queued);
}

TEST_CASE_METHOD(QueueFixture, "A push that takes in one of another flow holds what that one held") {
  queue.setLimits({.nodes = 100, .bytes = 100, .deadline = 25s, .margin = 1s});
  addTo("x", "n", "a", kBegin, "token", false, 10);
  const auto first = queue.take(kBegin);
  addTo("y", "n", "b", kBegin, "token", false, 30);
  CHECK(retry(first, kBegin + 4s).empty());
  // x holds 40 of 100 now and y nothing: each may take half of what is left.
  CHECK(addTo("x", "m", "c", kBegin, "token", false, 21) == Added::full);
  CHECK(addTo("y", "k", "d", kBegin, "token", false, 30) == Added::queued);
  advance(kBegin + 4s);
  takeAll();
  CHECK(queue.waiters() == 0);
  CHECK(addTo("x", "m", "c", kBegin, "token", false, 100) == Added::queued);
}

TEST_CASE_METHOD(QueueFixture,
                 "Flows take turns, one push each, and inside a flow the first is served first") {
  queue.setLimits({.nodes = 100, .bytes = 1000, .deadline = 25s, .margin = 1s});
  for (const auto* who : {"a1", "a2", "a3", "a4"}) addTo("a", who, who);
  for (const auto* who : {"b1", "b2"}) addTo("b", who, who);
  addTo("c", "c1", "c1");
  CHECK(queue.flows() == 3);
  CHECK(takeAll() == "a1b1c1a2b2a3a4");
  CHECK(queue.flows() == 0);
}

TEST_CASE_METHOD(QueueFixture, "A flow that comes late waits for one push of each other flow") {
  queue.setLimits({.nodes = 100, .bytes = 1000, .deadline = 25s, .margin = 1s});
  for (int i = 0; i < 50; ++i) addTo("a", "a" + std::to_string(i), "a");
  for (int i = 0; i < 3; ++i) CHECK(finish(queue.take(kBegin)) == "a");
  addTo("b", "b", "b");
  CHECK(finish(queue.take(kBegin)) == "a");
  CHECK(finish(queue.take(kBegin)) == "b");
  // Nor does a flow get ahead by emptying and filling again.
  addTo("b", "b", "b");
  CHECK(finish(queue.take(kBegin)) == "a");
  CHECK(finish(queue.take(kBegin)) == "b");
}

TEST_CASE_METHOD(QueueFixture, "A push that is tried again takes its flow's turn") {
  queue.setLimits({.nodes = 100, .bytes = 1000, .deadline = 25s, .margin = 1s});
  addTo("a", "a1", "a1");
  retry(queue.take(kBegin), kBegin + 1s);
  CHECK(queue.flows() == 1);
  for (const auto* who : {"b1", "b2", "b3"}) addTo("b", who, who);
  advance(kBegin + 1s);
  CHECK(takeAll() == "b1a1b2b3");
}

TEST_CASE_METHOD(QueueFixture,
                 "In a full queue the newest push of the longest flow gives way to one with less") {
  for (const auto* who : {"a1", "a2", "a3"}) addTo("a", who, who);
  CHECK(addTo("b", "b1", "b1") == Added::queued);
  CHECK(call(displaced) == "a3");
  CHECK(addTo("c", "c1", "c1") == Added::queued);
  CHECK(call(displaced) == "a2");
  // Each has a fair share now: nobody gives way.
  CHECK(addTo("a", "a4", "a4") == Added::full);
  CHECK(addTo("b", "b2", "b2") == Added::full);
  CHECK(addTo("d", "d1", "d1") == Added::full);
  CHECK(displaced.empty());
  CHECK(queue.queued() == 3);
  CHECK(takeAll() == "a1b1c1");
}

TEST_CASE_METHOD(QueueFixture,
                 "All who wait for a push that gives way are answered, and its node can come again") {
  addTo("a", "a1", "x");
  addTo("a", "a2", "y");
  addTo("a", "a3", "z");
  addTo("a", "a3", "w");
  addTo("b", "b1", "b");
  CHECK(call(displaced) == "wz");
  CHECK(finish(queue.take(kBegin)) == "x");
  CHECK(addTo("a", "a3", "again") == Added::queued);
  CHECK(displaced.empty());
}

TEST_CASE_METHOD(QueueFixture,
                 "Pushes that are delayed count for their flow and give way when none is ready") {
  for (const auto* who : {"a1", "a2", "a3"}) addTo("a", who, who);
  for (int i = 0; i < 3; ++i) retry(queue.take(kBegin), kBegin + 2s);
  CHECK(addTo("a", "a4", "a4") == Added::full);
  CHECK(addTo("b", "b1", "b1") == Added::queued);
  CHECK(call(displaced) == "a3");
  CHECK(queue.queued() == 3);
  advance(kBegin + 2s);
  CHECK(takeAll() == "b1a1a2");
}

TEST_CASE_METHOD(QueueFixture,
                 "Everybody is answered at their own deadline, and a push without anybody is dropped") {
  add("n", "a", kBegin);
  add("n", "b", kBegin + 5s);
  CHECK(queue.nextEvent() == kBegin + 25s);
  CHECK(advance(kBegin + 25s - 1ns).empty());
  CHECK(advance(kBegin + 25s) == "a");
  CHECK(queue.ready() == 1);
  CHECK(queue.nextEvent() == kBegin + 30s);
  CHECK(advance(kBegin + 30s) == "b");
  CHECK(queue.ready() == 0);
  CHECK(queue.nextEvent() == PushQueue::TimePoint::max());
  CHECK(add("n", "c", kBegin + 31s) == Added::queued);
}

TEST_CASE_METHOD(QueueFixture,
                 "Who waits for a push that is sending is answered at the deadline, and then no more") {
  add("n", "a", kBegin);
  add("n", "b", kBegin + 5s);
  const auto push = queue.take(kBegin);
  CHECK(queue.deadline(push) == kBegin + 30s);
  CHECK(advance(kBegin + 25s) == "a");
  CHECK(finish(push) == "b");
}

TEST_CASE_METHOD(QueueFixture, "A push that all have stopped waiting for is over when its sending fails") {
  add("n", "a", kBegin);
  const auto push = queue.take(kBegin);
  CHECK(advance(kBegin + 25s) == "a");
  CHECK(retry(push, kBegin + 26s, false).empty());
  CHECK(queue.queued() == 0);
}

TEST_CASE_METHOD(QueueFixture, "A deadline that is changed holds for those who wait already") {
  add("n", "a", kBegin);
  queue.setLimits({.nodes = 3, .bytes = 10, .deadline = 5s, .margin = 0s});
  CHECK(queue.nextEvent() == kBegin + 5s);
  CHECK(advance(kBegin + 5s) == "a");
}

TEST_CASE_METHOD(QueueFixture, "A push is tried again at its time, and joined until then") {
  add("n", "a", kBegin, "t1");
  CHECK(retry(queue.take(kBegin), kBegin + 2s).empty());
  CHECK(queue.ready() == 0);
  CHECK(queue.queued() == 1);
  CHECK(queue.nextEvent() == kBegin + 2s);
  CHECK(add("n", "b", kBegin + 1s, "t2") == Added::joined);
  CHECK(advance(kBegin + 2s - 1ns).empty());
  CHECK(queue.ready() == 0);
  CHECK(advance(kBegin + 2s).empty());
  REQUIRE(queue.ready() == 1);
  const auto push = queue.take(kBegin);
  CHECK(PushQueue::retries(push) == 1);
  CHECK(token(push) == "t2");
  CHECK(finish(push) == "ab");
}

TEST_CASE_METHOD(QueueFixture,
                 "After a node's message, what comes for it within the spacing is one message at its end") {
  queue.setLimits({.nodes = 3, .bytes = 10, .deadline = 25s, .spacing = 1s, .margin = 1s});
  add("n", "a", kBegin);
  CHECK(finish(queue.take(kBegin)) == "a");
  add("n", "b", kBegin + 1ms);
  add("n", "c", kBegin + 999ms);
  add("other", "x", kBegin + 999ms);
  CHECK(queue.queued() == 2);
  CHECK(takeAll() == "x");
  CHECK(queue.nextEvent() == kBegin + 1s);
  CHECK(advance(kBegin + 1s).empty());
  CHECK(takeAll() == "bc");
}

TEST_CASE_METHOD(QueueFixture, "A node whose last message is as long ago as the spacing is not delayed") {
  queue.setLimits({.nodes = 3, .bytes = 10, .deadline = 25s, .spacing = 1s, .margin = 1s});
  add("n", "a", kBegin);
  CHECK(finish(queue.take(kBegin)) == "a");
  add("n", "b", kBegin + 1s);
  CHECK(queue.ready() == 1);
}

TEST_CASE_METHOD(QueueFixture, "The spacing is not kept where it would cost the deadline") {
  queue.setLimits({.nodes = 3, .bytes = 10, .deadline = 2s, .spacing = 10s, .margin = 1s});
  add("n", "a", kBegin);
  CHECK(finish(queue.take(kBegin)) == "a");
  add("n", "b", kBegin + 1ms);
  CHECK(queue.ready() == 1);
}

TEST_CASE_METHOD(QueueFixture, "Who has no time for another try is answered at once, the others wait") {
  add("n", "a", kBegin);
  add("n", "b", kBegin + 5s);
  const auto push = queue.take(kBegin);
  CHECK(retry(push, kBegin + 24s + 1ms) == "a");
  CHECK(queue.queued() == 1);
  advance(kBegin + 24s + 1ms);
  CHECK(retry(queue.take(kBegin), kBegin + 60s, false) == "b");
  CHECK(queue.queued() == 0);
}

TEST_CASE_METHOD(QueueFixture, "A try exactly the margin before the deadline is still in time") {
  add("n", "a", kBegin);
  CHECK(retry(queue.take(kBegin), kBegin + 24s).empty());
}

TEST_CASE_METHOD(QueueFixture, "A push that is tried again takes in what has come for its node meanwhile") {
  add("n", "a", kBegin, "t1", true);
  const auto first = queue.take(kBegin);
  add("n", "b", kBegin + 1s, "t2");
  CHECK(retry(first, kBegin + 4s).empty());
  CHECK(queue.ready() == 0);
  CHECK(queue.queued() == 1);
  advance(kBegin + 4s);
  const auto again = queue.take(kBegin);
  CHECK(token(again) == "t2");
  CHECK(PushQueue::message(again).isImportant);
  CHECK(finish(again) == "ab");
}

TEST_CASE_METHOD(QueueFixture,
                 "Two pushes for one node that both fail become one, with the newer target and time") {
  add("n", "a", kBegin, "t1");
  const auto first = queue.take(kBegin);
  add("n", "b", kBegin + 1s, "t2");
  const auto second = queue.take(kBegin);
  retry(first, kBegin + 9s);
  retry(second, kBegin + 4s);
  CHECK(queue.queued() == 1);
  CHECK(queue.nextEvent() == kBegin + 9s);
  advance(kBegin + 9s);
  const auto again = queue.take(kBegin);
  CHECK(token(again) == "t2");
  CHECK(finish(again) == "ab");
}

TEST_CASE_METHOD(QueueFixture, "A push that is tried again is not refused by a full queue") {
  add("n1", "a");
  const auto push = queue.take(kBegin);
  for (const auto* node : {"n2", "n3", "n4"}) add(node, "b");
  CHECK(retry(push, kBegin + 1s).empty());
  CHECK(queue.queued() == 4);
  CHECK(add("n5", "c") == Added::full);
}

TEST_CASE_METHOD(QueueFixture,
                 "Giving up answers who would be too late, but not for a push that is sending") {
  add("n1", "a", kBegin);
  const auto sending = queue.take(kBegin);
  add("n2", "b", kBegin);
  add("n3", "c", kBegin + 1s);
  add("n3", "d", kBegin + 10s);
  PushQueue::Answers answers;
  queue.giveUpBefore(kBegin + 30s, answers);
  CHECK(call(answers) == "bc");
  CHECK(queue.ready() == 1);
  CHECK(finish(sending) == "a");
  CHECK(finish(queue.take(kBegin)) == "d");
}

TEST_CASE_METHOD(QueueFixture, "Clearing answers all, and what is sending is finished for nobody") {
  add("n1", "a");
  const auto sending = queue.take(kBegin);
  add("n2", "b");
  add("n3", "c");
  const auto again = queue.take(kBegin);
  retry(again, kBegin + 1s);
  PushQueue::Answers answers;
  queue.clear(answers);
  CHECK(call(answers) == "abc");
  CHECK(queue.queued() == 0);
  CHECK(queue.nextEvent() == PushQueue::TimePoint::max());
  CHECK(finish(sending).empty());
}

TEST_CASE_METHOD(QueueFixture, "Whatever happens in whatever order, everybody is answered once and in time") {
  constexpr int kSteps = 5000;
  std::mt19937 random(GENERATE(1U, 2U, 3U));
  const auto below = [&random](unsigned n) { return random() % n; };
  queue.setLimits({.nodes = 20, .bytes = 200, .deadline = 25s, .margin = 1s});

  std::vector<PushQueue::Handle> sending;
  std::map<std::string, PushQueue::TimePoint> waiting;
  PushQueue::Answers answers;
  auto now = kBegin;
  int added = 0;
  std::size_t gaveWay = 0;
  const auto settle = [&] {
    call(answers);
    for (const auto& [who, times] : answered) {
      REQUIRE(times == 1);
      REQUIRE(waiting.erase(who) == 1);
    }
  };
  const auto takeAny = [&]() -> std::optional<PushQueue::Handle> {
    if (sending.empty()) return std::nullopt;
    std::swap(sending[below(static_cast<unsigned>(sending.size()))], sending.back());
    const auto push = sending.back();
    sending.pop_back();
    return push;
  };
  for (int step = 0; step < kSteps; ++step) {
    now += std::chrono::milliseconds(below(300));
    switch (below(8)) {
      case 0:
        if (const auto push = takeAny(); push) queue.finish(*push, answers);
        break;
      case 1:
        if (const auto push = takeAny(); push)
          queue.retry(*push, now + std::chrono::seconds(below(30)), answers);
        break;
      case 2:
      case 3:
        if (queue.ready() > 0) sending.push_back(queue.take(kBegin));
        break;
      case 4:
        if (below(50) == 0) queue.giveUpBefore(now + std::chrono::seconds(below(25)), answers);
        break;
      default: {
        const std::string who = std::to_string(++added);
        const auto node = below(60);
        // Several flows come to one node now and then.
        const std::string flow = node < 50 && below(20) != 0 ? "long" : std::to_string(node % 4);
        const std::size_t bytes = below(10) == 0 ? 40 : 1;
        if (addTo(flow, std::to_string(node), who, now, "token", false, bytes) != Added::full)
          waiting[who] = now;
        gaveWay += displaced.size();
        std::move(displaced.begin(), displaced.end(), std::back_inserter(answers));
        displaced.clear();
      }
    }
    queue.advance(now, answers);
    settle();
    REQUIRE(queue.waiters() == waiting.size());
    for (const auto& [who, since] : waiting) REQUIRE(now - since < 25s);
  }
  CHECK(added > kSteps / 4);
  CHECK(gaveWay > 0);
  queue.clear(answers);
  settle();
  CHECK(waiting.empty());
  for (const auto push : sending) queue.finish(push, answers);
  CHECK(queue.queued() == 0);
  CHECK(queue.flows() == 0);
  // All that was held has been given back.
  CHECK(addTo("last", "last", "last", now, "token", false, 200) == Added::queued);
}
