#include "p2/core/Backoff.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>

using namespace std::chrono_literals;
using p2::core::Backoff;

namespace {

struct Range {
  std::chrono::milliseconds least = std::chrono::milliseconds::max();
  std::chrono::milliseconds most{0};
};

/// What a thousand draws after `failures` failures span.
Range drawn(const Backoff::Options& options, unsigned failures) {
  Backoff backoff(options, 42);
  Range range;
  for (int i = 0; i < 1000; ++i) {
    const auto delay = backoff.draw(failures);
    range.least = std::min(range.least, delay);
    range.most = std::max(range.most, delay);
  }
  return range;
}

}  // namespace

TEST_CASE("Delays are spread from zero to a bound that doubles up to the most") {
  struct Case {
    unsigned failures;
    std::chrono::milliseconds bound;
  };
  const auto row = GENERATE(values<Case>({{0, 500ms},
                                          {1, 1000ms},
                                          {2, 2000ms},
                                          {6, 32000ms},
                                          {7, 60000ms},
                                          {8, 60000ms},
                                          {4000000000U, 60000ms}}));
  CAPTURE(row.failures);
  const Range range = drawn({}, row.failures);
  CHECK(range.most <= row.bound);
  CHECK(range.most > row.bound * 95 / 100);
  CHECK(range.least < row.bound * 5 / 100);
}

TEST_CASE("The least delay is added to what is drawn") {
  const Range range = drawn({.first = 100ms, .most = 100ms, .least = 50ms}, 0);
  CHECK(range.least >= 50ms);
  CHECK(range.least < 60ms);
  CHECK(range.most <= 150ms);
  CHECK(range.most > 140ms);
}

TEST_CASE("A bound at the end of the range does not overflow") {
  const Range range =
      drawn({.first = std::chrono::milliseconds::max(), .most = std::chrono::milliseconds::max()}, 1);
  CHECK(range.least >= 0ms);
}

TEST_CASE("A first delay beyond the most is cut, and one of zero stays zero") {
  CHECK(drawn({.first = 10s, .most = 1s}, 0).most <= 1s);
  CHECK(drawn({.first = 0ms}, 20).most == 0ms);
}

TEST_CASE("Each call counts a failure until a success resets them") {
  Backoff backoff({.first = 1ms, .most = 1h}, 7);
  CHECK(backoff.failures() == 0);
  auto longest = 0ms;
  for (int i = 0; i < 20; ++i) longest = std::max(longest, backoff.next());
  CHECK(backoff.failures() == 20);
  CHECK(longest > 1s);
  backoff.reset();
  CHECK(backoff.failures() == 0);
  CHECK(backoff.next() <= 1ms);
}

TEST_CASE("Two backoffs of the same seed draw the same, of different seeds not") {
  Backoff a({.first = 1h}, 1);
  Backoff b({.first = 1h}, 1);
  Backoff c({.first = 1h}, 2);
  const auto first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
}
