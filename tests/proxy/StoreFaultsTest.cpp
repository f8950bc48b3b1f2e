#include "LogOfProxy.h"
#include "StoreFaults.h"
#include "support/Catch.h"
#include "support/ManualClock.h"
#include "support/MemoryStore.h"
#include "support/ReplyList.h"

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace p2;
using namespace p2::proxy;
using namespace std::chrono_literals;

namespace {

struct Faults {
  void ask(const std::string& why, int times = 1) {
    for (int i = 0; i < times; ++i) {
      xmpp::Responder responder(replies, "1", "a.example", "push.example.org");
      faults.answer(why, responder);
    }
  }
  void look(std::chrono::seconds later = 1s) {
    clock.advance(later);
    times.giveUpLate();
    faults.watch();
  }

  test::ManualClock clock;
  test::MemoryStore store;
  core::Metrics metrics;
  test::ReplyList replies;
  StoreTimes times{clock, metrics};
  StoreFaults faults{store, times, clock, metrics};
  test::LogOfProxy log;
};

}  // namespace

TEST_CASE("An outage of the store is one line, and its end another that counts") {
  Faults test;
  test.look();
  CHECK(test.log.texts().empty());
  CHECK_FALSE(test.faults.failingSince());
  test.store.fail("The database is down.");
  test.ask("The connection is lost.");
  test.ask("The database is down.", 40);
  const auto since = test.faults.failingSince();
  REQUIRE(since);
  for (int i = 0; i < 30; ++i) test.look();
  CHECK(test.faults.failingSince() == since);
  test.store.fail("");
  test.look();
  CHECK(test.faults.failingSince());  // it may be a moment between two faults
  test.look();
  CHECK_FALSE(test.faults.failingSince());
  test.look();
  CHECK(test.log.texts() ==
        std::vector<std::string>{
            "3 the store fails, and servers and phones are asked to wait until it works: The connection is "
            "lost.",
            "5 the store works again, after 32 s, in which 41 requests were asked to wait"});
}

TEST_CASE("A store that fails although nobody asks is told of, and again every ten minutes") {
  Faults test;
  test.store.fail("The database is down.");
  for (int minute = 0; minute < 25; ++minute) test.look(1min);
  const auto lines = test.log.texts();
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] ==
        "3 the store still fails, for 10 min, in which 0 requests were asked to wait: The database is down.");
}

TEST_CASE("A store that works for a moment only does not work again") {
  Faults test;
  for (int round = 0; round < 20; ++round) {
    test.store.fail(round % 2 == 0 ? "The disk is full." : "");
    test.look();
  }
  CHECK(test.log.texts().size() == 1);
}

TEST_CASE(
    "A store that fails and works again with each request is told of once, and when it fails for longer") {
  Faults test;
  for (int round = 0; round < 20; ++round) {
    test.store.fail("DELETE is denied.");
    test.ask("DELETE is denied.");
    test.store.fail("");
    for (int i = 0; i < 5; ++i) test.look();
  }
  CHECK(test.log.texts().size() == 2);
  test.store.fail("The database is down.");
  for (int i = 0; i < 12; ++i) test.look();
  CHECK(test.log.texts().size() == 3);
  test.store.fail("");
  for (int i = 0; i < 2; ++i) test.look();
  const auto lines = test.log.texts();
  REQUIRE(lines.size() == 4);
  CHECK(lines[2] ==
        "3 the store fails, and servers and phones are asked to wait until it works: The database is down.");
  CHECK(lines[3] == "5 the store works again, after 13 s, in which 0 requests were asked to wait");
  for (int minute = 0; minute < 2; ++minute) test.look(1min);
  test.store.fail("The database is down.");
  test.look();
  CHECK(test.log.texts().size() == 5);
}

TEST_CASE("What the store cannot do although it works is told as what it is, and is no outage") {
  Faults test;
  test.ask("A row cannot be read.", 3);
  test.look();
  CHECK_FALSE(test.faults.failingSince());
  CHECK(test.log.texts() == std::vector<std::string>{"3 the store: A row cannot be read."});
  CHECK(test.metrics.total("p2_store_faults_total") == 3);
}

TEST_CASE("A store that stands still fails, until it answers what was not in memory, be it late") {
  using Done = store::Registrations::Callback<int>;
  Faults test;
  const auto asked = [&](int times) {
    std::vector<Done> all;
    while (times-- > 0) {
      all.push_back(test.times.lookUp<int>([&](const core::Result<int>& result) {
        if (!result.ok()) test.ask(result.error());
      }));
    }
    return all;
  };
  const auto inAnotherThread = [](Done& done, core::Result<int> result) {
    std::thread([&] { done(std::move(result)); }).join();
  };
  auto waiting = asked(3);
  for (int i = 0; i < 14; ++i) test.look();
  REQUIRE(test.faults.failingSince());
  asked(1).front()(1);  // in this thread
  inAnotherThread(asked(1).front(), core::Error{"It is busy."});
  for (int i = 0; i < 3; ++i) test.look();
  CHECK(test.faults.failingSince());
  const bool isLate = GENERATE(true, false);
  auto anew = asked(1);
  inAnotherThread(isLate ? waiting.front() : anew.front(), 1);
  for (int i = 0; i < 3; ++i) test.look();
  CHECK_FALSE(test.faults.failingSince());
  CHECK(test.log.texts() ==
        std::vector<std::string>{
            "3 the store fails, and servers and phones are asked to wait until it works: it has not answered "
            "for 12 s: its disk, or its database, stands still or does not keep up",
            "5 the store works again, after 7 s, in which 4 requests were asked to wait"});
}
