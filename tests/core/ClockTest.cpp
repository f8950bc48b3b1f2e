#include "p2/core/Clock.h"
#include "p2/core/Version.h"
#include "support/Catch.h"
#include "support/ContentOf.h"
#include "support/JumpingClock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

using namespace std::chrono_literals;
using p2::core::Clock;
using p2::core::ScaledClock;
using p2::core::systemClock;

TEST_CASE("The system clock is the machine's steady and civil time") {
  const auto before = std::chrono::steady_clock::now();
  const auto wallBefore = std::chrono::system_clock::now();
  const auto now = systemClock().now();
  const auto wall = systemClock().wallTime();
  CHECK(now >= before);
  CHECK(now <= std::chrono::steady_clock::now());
  CHECK(wall >= wallBefore - 1s);  // may be set back meanwhile
  CHECK(systemClock().realDeadline(now) == now);
}

TEST_CASE("Civil time goes on after January 2038, as nothing reads the C++ library's own") {
  const std::string others = "system_clock::" + std::string("now()");
  p2::test::forEachSource([&](const std::filesystem::path& source) {
    INFO(source);
    const auto text = p2::test::contentOf(source);
    CHECK((source.filename() == "Clock.h" || text.find(others) == std::string::npos));
  });
}

TEST_CASE("A time before this p2 was made, or decades after, is none that a clock shows which was set") {
  using p2::core::isPlausible;
  CHECK_FALSE(isPlausible({}));
  CHECK_FALSE(isPlausible(p2::core::kMadeAt - 1s));
  CHECK(isPlausible(p2::core::kMadeAt));
  CHECK(isPlausible(p2::core::kMadeAt + 24h * 365 * 29));
  CHECK_FALSE(isPlausible(p2::core::kMadeAt + 24h * 365 * 31));
  CHECK_FALSE(isPlausible(std::chrono::system_clock::time_point::min()));
  CHECK_FALSE(isPlausible(std::chrono::system_clock::time_point::max()));
  CHECK(p2::core::faultOf(systemClock()).empty() == isPlausible(p2::core::wallTime()));
}

TEST_CASE("Of a clock that is not set is said what it shows, and what sets it") {
  p2::test::JumpingClock clock;
  CHECK(p2::core::faultOf(clock).empty());
  clock.believe(false);
  clock.setWall(-clock.wallTime().time_since_epoch());
  const auto text = p2::core::faultOf(clock);
  CHECK(text.find("shows 1970-01-01T00:00:0") != std::string::npos);
  CHECK(text.find("NTP") != std::string::npos);
}

TEST_CASE("When something began is told by the clock that has been set since, and else as it was shown") {
  p2::test::JumpingClock clock;
  const auto right = clock.wallTime();
  const p2::core::Moment before(clock);
  clock.believe(false);
  clock.setWall(-20000h);
  const p2::core::Moment unset(clock);
  clock.jump(10s);
  CHECK(unset.civil(clock) <= right - 19999h);
  clock.setWall(20000h);
  clock.believe(true);
  CHECK(unset.civil(clock) - right < 5s);
  CHECK(right - unset.civil(clock) < 5s);
  CHECK(right - before.civil(clock) < 5s);
  CHECK(clock.wallTime() - before.civil(clock) >= 10s);
}

TEST_CASE("A scaled clock starts at the present and runs by its factor") {
  const auto before = std::chrono::steady_clock::now();
  const ScaledClock clock(1000);
  const auto created = std::chrono::steady_clock::now();
  const auto now = clock.now();
  const auto after = std::chrono::steady_clock::now();
  CHECK(now >= before);
  CHECK(now <= before + (after - before) * 1000);
  // A real millisecond later it is at least a second later.
  while (std::chrono::steady_clock::now() < created + 1ms) continue;
  CHECK(clock.now() >= created + 1ms);
  CHECK(clock.now() - before >= 1s);
}

TEST_CASE("A scaled clock's civil time runs along with its steady time") {
  const ScaledClock clock(1000);
  // The span of one is measured inside that of the other, however long the thread rests between two lines.
  const auto wall = clock.wallTime();
  const auto steady = clock.now();
  while (clock.now() - steady < 1s) continue;
  CHECK(clock.wallTime() - wall >= 1s - 1us);  // civil time may have coarser ticks
  const auto outer = clock.now();
  const auto wallNow = clock.wallTime();
  const auto wallThen = clock.wallTime();
  CHECK(wallThen - wallNow <= clock.now() - outer + 1us);
}

TEST_CASE("Waiting for the real deadline of an hour takes a scaled clock a moment") {
  const ScaledClock clock(1000000);
  const auto deadline = clock.now() + 1h;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  never.wait_until(lock, clock.realDeadline(deadline), [] { return false; });
  CHECK(clock.now() >= deadline - 1ms);  // a scaled tick is a microsecond
}

TEST_CASE("A scaled clock leaves the deadline that never comes as it is") {
  CHECK(ScaledClock(10).realDeadline(Clock::TimePoint::max()) == Clock::TimePoint::max());
}
