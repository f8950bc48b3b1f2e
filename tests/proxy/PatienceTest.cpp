#include "Patience.h"
#include "support/Catch.h"
#include "support/JumpingClock.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using p2::core::Result;
using p2::proxy::Patience;
using p2::test::JumpingClock;

namespace {

using Callback = Patience::Callback<int>;

/// What was told, in its order.
struct Told {
  Callback of(const std::string& name) {
    return [this, name](const Result<int>& result) {
      told.push_back(name + (result.ok() ? " " + std::to_string(result.value()) : " late"));
    };
  }
  std::vector<std::string> told;
};

}  // namespace

TEST_CASE("Who is answered in time is told the answer, and who is not that there is none, once") {
  JumpingClock clock;
  Patience patience(clock);
  Told told;
  auto first = patience.bound<int>(told.of("first"));
  auto second = patience.bound<int>(told.of("second"));
  clock.jump(7s);
  auto third = patience.bound<int>(told.of("third"));
  second(2);
  patience.giveUpLate();
  CHECK(told.told == std::vector<std::string>{"second 2"});
  clock.jump(6s);
  patience.giveUpLate();
  patience.giveUpLate();
  CHECK(told.told == std::vector<std::string>{"second 2", "first late"});
  first(1);
  third(3);
  CHECK(told.told == std::vector<std::string>{"second 2", "first late", "third 3"});
}

TEST_CASE("Whose callback is dropped is nobody's to wait for, whichever of them it is") {
  JumpingClock clock;
  Patience patience(clock);
  Told told;
  std::vector<std::optional<Callback>> waiting;
  for (int i = 0; i < 3; ++i) waiting.emplace_back(patience.bound<int>(told.of(std::to_string(i))));
  const auto dropped = GENERATE(0U, 1U, 2U);
  waiting[dropped].reset();
  clock.jump(13s);
  patience.giveUpLate();
  REQUIRE(told.told.size() == 2);
  for (const auto& each : told.told) CHECK(each[0] != static_cast<char>('0' + dropped));
}

TEST_CASE("Who is told that there is no answer may ask anew") {
  JumpingClock clock;
  Patience patience(clock);
  std::optional<Callback> again;
  int late = 0;
  auto first = patience.bound<int>([&](const Result<int>&) {
    ++late;
    again = patience.bound<int>([&](const Result<int>& result) { late += result.ok() ? 10 : 100; });
  });
  clock.jump(13s);
  patience.giveUpLate();
  CHECK(late == 1);
  (*again)(1);
  CHECK(late == 11);
}
