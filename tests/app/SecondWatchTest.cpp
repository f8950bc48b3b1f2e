#include "daemon/SecondWatch.h"
#include "support/Catch.h"
#include "support/Eventually.h"
#include "support/LogOf.h"
#include "support/ManualClock.h"

#include <chrono>
#include <string>

using namespace p2;
using namespace p2::app;
using namespace std::chrono_literals;

TEST_CASE("Of another p2 the log speaks once, and once when nothing was seen of it for five minutes") {
  test::ManualClock clock;
  const test::LogOf log("p2");
  SecondWatch watch("push.example.org", clock);
  CHECK_FALSE(watch.sees());
  CHECK(watch.fault().empty());
  for (int i = 0; i < 3; ++i) {
    watch.note();
    CHECK(watch.sees());
    CHECK(watch.fault().starts_with("another p2 is connected to the XMPP server as push.example.org"));
    CHECK(test::eventually([&] { return log.texts().size() == 1; }));
    clock.advance(SecondWatch::kOverAfter - 1s);
    CHECK(watch.sees());
  }
  clock.advance(1s);
  CHECK_FALSE(watch.sees());
  CHECK(watch.fault().empty());
  CHECK(test::eventually([&] { return log.texts().size() == 2; }));
  watch.note();
  CHECK(test::eventually([&] { return log.texts().size() == 3; }));
  const auto lines = log.texts();
  CHECK(lines[0].starts_with("3 another p2 is connected"));
  CHECK(lines[0].find("store.kind = mariadb") != std::string::npos);
  CHECK(lines[1].starts_with("5 no other p2 has shown itself as push.example.org for 5 min"));
  CHECK(lines[2] == lines[0]);
}

TEST_CASE("Of a p2 that is alone nothing is said") {
  const test::LogOf log("p2");
  {
    const SecondWatch watch("push.example.org");
    CHECK_FALSE(watch.sees());
  }
  CHECK(log.texts().empty());
}
