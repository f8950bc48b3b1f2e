#include "daemon/ClockWatch.h"
#include "p2/core/Guarded.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/JumpingClock.h"
#include "support/LogOf.h"
#include "support/MemoryStore.h"

#include <string>
#include <vector>

using namespace p2;
using namespace p2::app;

TEST_CASE("That the clock is not set is said once, and once that it is") {
  test::JumpingClock clock(false);
  test::MemoryStore store;
  core::Metrics metrics;
  proxy::PushProxy proxy({"push.example.org", {}, &clock}, store, {}, metrics);
  const test::LogOf log("p2");
  core::Guarded<std::vector<std::string>> told;
  const auto count = [&told] { return told.with([](const auto& each) { return each.size(); }); };
  {
    const ClockWatch watch(
        proxy, [&told](const std::string& fault) { told.with([&](auto& each) { each.push_back(fault); }); },
        clock);
    CHECK(test::eventually([&] { return count() == 1; }));
    clock.believe(true);
    CHECK(test::eventually([&] { return count() == 2; }));
  }
  const auto faults = told.with([](const auto& each) { return each; });
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].find("this machine's clock shows") == 0);
  CHECK(faults[1].empty());
  const auto lines = log.texts();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("4 this machine's clock shows"));
  CHECK(lines[1].starts_with("5 this machine's clock is set"));
}

TEST_CASE("Of a clock that is right nothing is said") {
  test::MemoryStore store;
  core::Metrics metrics;
  proxy::PushProxy proxy({"push.example.org", {}}, store, {}, metrics);
  const test::LogOf log("p2");
  test::JumpingClock clock;
  bool told = false;
  {
    const ClockWatch watch(
        proxy, [&told](const std::string&) { told = true; }, clock);
  }
  CHECK_FALSE(told);
  CHECK(log.texts().empty());
}
