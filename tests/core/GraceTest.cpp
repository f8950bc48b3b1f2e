#include "p2/core/Grace.h"
#include "support/Catch.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using p2::core::Grace;
using TimePoint = Grace::TimePoint;
using Then = Grace::Then;
using Verdict = Grace::Verdict;

namespace {

const TimePoint kFirst{1000h};
constexpr auto kAfter = 1h;

/// Whether a verdict is believed.
bool believes(Grace& watch, std::size_t node, std::string_view flow, std::size_t target, TimePoint now,
              Grace::Duration after) {
  return watch.said(node, flow, target, now, after) == Verdict::believed;
}

/// The same in as few words as can be, and without a thought for time: for comparison.
class Plain {
 public:
  Plain(std::size_t most, Then then) : _most(most), _then(then) {}

  Verdict said(std::size_t node, const std::string& flow, std::size_t target, TimePoint now,
               Grace::Duration after) {
    const auto known = find(node);
    if (known != _watched.end()) {
      if (known->target == target) {
        if (now - known->first < after) return Verdict::waits;
        if (_then == Then::forget) _watched.erase(known);
        return Verdict::believed;
      }
      _watched.erase(known);
    }
    if (_watched.size() >= _most) {
      std::map<std::string, std::size_t> sizes;
      for (const auto& watched : _watched) ++sizes[watched.flow];
      std::string longest = flow;
      for (const auto& [name, size] : sizes) {
        if (size > sizes[longest] || (size == sizes[longest] && longest != flow)) longest = name;
      }
      const auto isOf = [&](const Watched& watched) { return watched.flow == longest; };
      const auto first = std::find_if(_watched.begin(), _watched.end(), isOf);
      const auto last = std::find_if(_watched.rbegin(), _watched.rend(), isOf);
      if (first == _watched.end()) return Verdict::waits;
      if (now - first->first >= 2 * after) {
        _watched.erase(first);
      } else if (longest == flow) {
        return Verdict::waits;
      } else {
        _watched.erase(std::prev(last.base()));
      }
    }
    _watched.push_back({node, target, now, flow});
    return Verdict::begins;
  }
  void forget(std::size_t node) {
    if (const auto known = find(node); known != _watched.end()) _watched.erase(known);
  }
  void clear() { _watched.clear(); }
  std::size_t size() const { return _watched.size(); }

 private:
  struct Watched {
    std::size_t node;
    std::size_t target;
    TimePoint first;
    std::string flow;
  };

  std::vector<Watched>::iterator find(std::size_t node) {
    return std::find_if(_watched.begin(), _watched.end(),
                        [node](const Watched& w) { return w.node == node; });
  }

  const std::size_t _most;
  const Then _then;
  std::vector<Watched> _watched;  // in the order of `first`
};

}  // namespace

TEST_CASE("A verdict is believed when it is said again after the time, and not before") {
  struct Case {
    const char* what;
    std::size_t target;         // the second verdict's; the first is on 1
    std::chrono::seconds when;  // the second verdict
    bool forgotten;             // in between
    bool believed;
  };
  const auto row = GENERATE(values<Case>({{"after the time", 1, 1h, false, true},
                                          {"long after the time", 1, 1000h, false, true},
                                          {"a second too early", 1, 1h - 1s, false, false},
                                          {"at once", 1, 0s, false, false},
                                          {"another target", 2, 2h, false, false},
                                          {"with a delivery in between", 1, 2h, true, false}}));
  CAPTURE(row.what);
  Grace watch(10);
  CHECK_FALSE(believes(watch, 7, "flow", 1, kFirst, kAfter));
  if (row.forgotten) watch.forget(7);
  CHECK(believes(watch, 7, "flow", row.target, kFirst + row.when, kAfter) == row.believed);
  CHECK(watch.size() == (row.believed ? 0U : 1U));
}

TEST_CASE("What is said in between does not put the time off, and another target begins it anew") {
  Grace watch(10);
  for (auto at = 0min; at < 60min; at += 1min)
    CHECK_FALSE(believes(watch, 7, "flow", 1, kFirst + at, kAfter));
  CHECK(believes(watch, 7, "flow", 1, kFirst + 60min, kAfter));
  believes(watch, 7, "flow", 1, kFirst + 61min, kAfter);
  believes(watch, 7, "flow", 2, kFirst + 90min, kAfter);
  CHECK_FALSE(believes(watch, 7, "flow", 2, kFirst + 122min, kAfter));
  CHECK(believes(watch, 7, "flow", 2, kFirst + 150min, kAfter));
}

TEST_CASE("Made-up targets of one flow push out nobody else's, however many and often") {
  Grace watch(100);
  for (std::size_t node = 0; node < 20; ++node) believes(watch, node, "honest", 1, kFirst, kAfter);
  for (std::size_t round = 0; round < 60; ++round) {
    for (std::size_t node = 1000; node < 2000; ++node) {
      believes(watch, node + round * 1000, "flood", 1, kFirst + std::chrono::minutes(round), kAfter);
    }
    CHECK(watch.size() == 100);
  }
  for (std::size_t node = 20; node < 40; ++node) believes(watch, node, "late", 1, kFirst + 59min, kAfter);
  for (std::size_t node = 0; node < 20; ++node)
    CHECK(believes(watch, node, "honest", 1, kFirst + 1h, kAfter));
  for (std::size_t node = 20; node < 40; ++node) CHECK(believes(watch, node, "late", 1, kFirst + 2h, kAfter));
}

TEST_CASE("When there are more than it takes, those that have waited for longest get to the end of it") {
  constexpr std::size_t kDead = 1000;
  Grace watch(100);
  std::vector<bool> removed(kDead);
  auto now = kFirst;
  for (int round = 0; round < 6 * 24; ++round) {
    for (std::size_t node = 0; node < kDead; ++node) {
      if (!removed[node]) removed[node] = believes(watch, node, "flow", 1, now, kAfter);
    }
    now += 10min;
  }
  CHECK(std::count(removed.begin(), removed.end(), true) == kDead);
}

TEST_CASE("One that nobody pushes to any more gives way in the end") {
  Grace watch(3);
  for (std::size_t node = 1; node <= 3; ++node) believes(watch, node, "flow", 1, kFirst, kAfter);
  believes(watch, 4, "flow", 1, kFirst + 119min, kAfter);
  CHECK_FALSE(believes(watch, 4, "flow", 1, kFirst + 200min, kAfter));  // taken only now
  CHECK(believes(watch, 4, "flow", 1, kFirst + 260min, kAfter));
}

TEST_CASE("A watch of nothing believes nothing, and a cleared one begins anew") {
  Grace none(0);
  for (int n = 0; n < 3; ++n) CHECK_FALSE(believes(none, 1, "flow", 1, kFirst + n * 10h, kAfter));
  Grace watch(10);
  believes(watch, 1, "flow", 1, kFirst, kAfter);
  watch.clear();
  CHECK(watch.size() == 0);
  CHECK_FALSE(believes(watch, 1, "flow", 1, kFirst + 2h, kAfter));
}

TEST_CASE("What is kept is believed from then on, until it is forgotten or another takes its place") {
  Grace watch(2, Then::keep);
  CHECK(watch.said(7, "flow", 1, kFirst, kAfter) == Verdict::begins);
  CHECK(watch.said(7, "flow", 1, kFirst + 59min, kAfter) == Verdict::waits);
  for (int hour = 1; hour < 50; ++hour) CHECK(believes(watch, 7, "flow", 1, kFirst + hour * 1h, kAfter));
  SECTION("it is forgotten") {
    watch.forget(7);
    CHECK(watch.said(7, "flow", 1, kFirst + 50h, kAfter) == Verdict::begins);
  }
  SECTION("two others take the place there is, of which one is its") {
    CHECK(watch.said(8, "flow", 1, kFirst + 50h, kAfter) == Verdict::begins);
    CHECK(believes(watch, 7, "flow", 1, kFirst + 50h, kAfter));
    CHECK(watch.said(9, "flow", 1, kFirst + 50h, kAfter) == Verdict::begins);
    CHECK(watch.said(7, "flow", 1, kFirst + 50h, kAfter) == Verdict::waits);
    CHECK(believes(watch, 8, "flow", 1, kFirst + 51h, kAfter));
  }
}

TEST_CASE("Whatever is said in whatever order, the watch is what a plain list of it would be") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U);
  const auto then = GENERATE(Then::forget, Then::keep);
  std::mt19937 random(seed);
  const auto below = [&random](unsigned n) { return random() % n; };
  constexpr std::size_t kMost = 12;
  Grace watch(kMost, then);
  Plain plain(kMost, then);
  auto now = kFirst;
  std::size_t believed = 0;
  for (int step = 0; step < 20000; ++step) {
    now += std::chrono::seconds(below(600));
    const auto node = below(30);
    const auto what = below(100);
    if (what < 80) {
      // A node comes with another flow now and then, and with another target.
      const std::string flow = std::to_string(below(10) == 0 ? below(4) : node % 4);
      const auto target = below(20) == 0 ? 2U : 1U;
      const auto after = below(50) == 0 ? 10min : 60min;
      const Verdict verdict = plain.said(node, flow, target, now, after);
      REQUIRE(watch.said(node, flow, target, now, after) == verdict);
      believed += verdict == Verdict::believed ? 1 : 0;
    } else if (what < 99) {
      plain.forget(node);
      watch.forget(node);
    } else if (below(20) == 0) {
      plain.clear();
      watch.clear();
    }
    REQUIRE(watch.size() == plain.size());
  }
  CHECK(believed > 100);
}
