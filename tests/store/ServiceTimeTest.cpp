#include "p2/store/ServiceTime.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::store::ServiceTime;
using Time = ServiceTime::Time;
using Seconds = ServiceTime::Seconds;

namespace {

Time at(std::int64_t seconds) {
  return Time(Seconds(seconds));
}

}  // namespace

TEST_CASE("A date that the clock has shown is as far back as time was counted since") {
  ServiceTime time;
  time.begin(at(1000));
  time.advance(at(1100), 100s);
  time.begin(at(5000));
  time.advance(at(5050), 50s);
  CHECK(time.total() == 150s);
  CHECK(time.since(at(1000)) == 150s);
  CHECK(time.since(at(1040)) == 110s);
  CHECK(time.since(at(1100)) == 50s);
  CHECK(time.since(at(3000)) == 50s);  // Nobody was there.
  CHECK(time.since(at(5020)) == 30s);
  CHECK(time.since(at(9999)) == 0s);
  CHECK(time.since(at(1)) == 150s);
  time.renewAll();
  CHECK(time.since(at(1)) == 0s);
}

TEST_CASE("Of two that know of one store the one that has counted more is believed, and the later renewal") {
  const auto counted = [](Seconds by, bool renewed) {
    ServiceTime time;
    time.begin(at(1000));
    time.advance(at(1000 + by.count()), by);
    if (renewed) time.renewAll();
    return time;
  };
  const auto less = GENERATE(0s, 40s);
  const auto more = GENERATE(40s, 100s);
  const auto lessIsRenewed = GENERATE(false, true);
  const auto moreIsRenewed = GENERATE(false, true);
  auto one = counted(less, lessIsRenewed);
  auto other = counted(more, moreIsRenewed);
  one.join(counted(more, moreIsRenewed));
  other.join(counted(less, lessIsRenewed));
  CHECK(one == other);
  CHECK(one.total() == more);
  CHECK(one.allRenewedAt() == std::max(lessIsRenewed ? less : 0s, moreIsRenewed ? more : 0s));
  one.begin(at(5000));
  one.advance(at(5010), 10s);
  CHECK(one.total() == more + 10s);
}

TEST_CASE(
    "Of two that know of one store each knows what the other's clock has shown, however often they are "
    "joined") {
  const auto counting = [](Seconds by) {
    ServiceTime time;
    time.begin(at(1'700'000'000));
    time.advance(at(1'700'000'000 + by.count()), by);
    return time;
  };
  auto right = counting(1'000'000s);
  auto wrong = counting(999'000s);
  wrong.begin(at(1'700'500'000));
  wrong.advance(at(1'700'500'100), 100s);
  const auto wrongly = at(1'700'500'050);
  CHECK(right.since(wrongly) > 400'000s);
  SECTION("the one that has counted more is told") {
    right.join(wrong);
  }
  SECTION("the other one is told") {
    wrong.join(right);
    right = wrong;
  }
  CHECK(right.since(wrongly) <= 1000s);
  CHECK(right.since(at(1'700'100'000)) == 900'000s);
  const auto bytes = right.encode().size();
  for (int i = 0; i < 500; ++i) right.join(counting(Seconds(i)));
  CHECK(right.encode().size() == bytes);
  CHECK(right.total() == 1'000'000s);
}

TEST_CASE("A date that the clock has shown twice counts as the later time") {
  ServiceTime time;
  time.begin(at(1000));
  time.advance(at(2000), 1000s);
  time.begin(at(1500));
  time.advance(at(1600), 100s);
  CHECK(time.since(at(1550)) == 50s);
  CHECK(time.since(at(1400)) == 700s);
}

TEST_CASE("A date that the clock has not come to, as it is behind, may have been renewed until it is right") {
  ServiceTime time;
  time.begin(at(1000));
  time.advance(at(2000), 1000s);
  time.begin(at(500));
  time.advance(at(600), 100s);
  CHECK(time.since(at(1500)) == 0s);  // A phone that has it can have renewed it now.
  CHECK(time.since(at(499)) == 1100s);
  time.begin(at(2100));
  time.advance(at(2300), 200s);
  CHECK(time.since(at(1500)) == 200s);
  CHECK(time.since(at(550)) == 250s);
  CHECK(time.since(at(2150)) == 150s);
}

TEST_CASE(
    "Of any history of a clock it says that a date was later than it was, or the truth, never earlier") {
  std::minstd_rand random(GENERATE(1U, 2U, 3U, 4U));
  const auto below = [&](unsigned limit) { return static_cast<std::int64_t>(random() % limit); };
  ServiceTime time;
  std::int64_t wall = 1'700'000'000;
  std::vector<std::pair<Time, Seconds>> renewals;  // By the clock, and in truth.
  time.begin(at(wall));
  for (int step = 0; step < 3000; ++step) {
    switch (below(10)) {
      case 0:
        wall += below(2) == 0 ? below(10'000'000) : -below(10'000'000);
        time.begin(at(wall));
        break;
      case 1:
        wall += below(1000);  // Not connected.
        time.begin(at(wall));
        break;
      default: {
        const auto passed = below(4000);
        wall += passed;
        time.advance(at(wall), Seconds(passed));
      }
    }
    renewals.emplace_back(at(wall), time.total());
    // A phone that has registered already, and keeps the later date.
    const auto& known = renewals[random() % renewals.size()].first;
    renewals.emplace_back(std::max(known, at(wall)), time.total());
    if (step % 500 == 0) time = ServiceTime::decode(time.encode());
  }
  unsigned early = 0;
  for (const auto& [date, truly] : renewals) early += time.since(date) > time.total() - truly ? 1U : 0U;
  CHECK(early == 0);
  CHECK(time.encode().size() <= 17 + 32 * ServiceTime::kMostSpans);
}

TEST_CASE("Short interruptions do not hide how old a date is") {
  ServiceTime time;
  std::int64_t wall = 1'700'000'000;
  for (int i = 0; i < 5000; ++i) {
    time.begin(at(wall));
    wall += 3600;
    time.advance(at(wall), 3600s);
    wall += 5;
  }
  const auto told = time.since(at(1'700'000'000));
  CHECK(told <= time.total());
  CHECK(told >= time.total() - 300s);
}

TEST_CASE("What is stored is read again, and of anything else nothing is believed") {
  ServiceTime time;
  time.begin(at(-5));
  time.advance(at(100), 105s);
  time.begin(at(1'700'000'000));
  const auto bytes = time.encode();
  CHECK(ServiceTime::decode(bytes) == time);
  CHECK(ServiceTime::decode("") == ServiceTime());
  CHECK(ServiceTime::decode(bytes.substr(0, bytes.size() - 1)) == ServiceTime());
  CHECK(ServiceTime::decode(bytes + "x") == ServiceTime());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x80);
    const auto read = ServiceTime::decode(changed);
    CHECK(read.total() >= 0s);
    CHECK(read.since(Time::min()) >= 0s);
    CHECK(read.since(Time::max()) >= 0s);
    CHECK(read.since(at(50)) >= 0s);
  }
}
