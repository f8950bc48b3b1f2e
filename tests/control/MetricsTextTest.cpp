#include "MetricsText.h"
#include "p2/core/Metrics.h"
#include "support/Catch.h"

#include <map>
#include <random>
#include <string>

using namespace p2;
using control::MetricsText;

TEST_CASE("Counters and quantiles are read from what the metrics render") {
  core::Metrics metrics;
  metrics.counter("a_total", "help", {{"kind", "x"}}).add(3);
  metrics.counter("a_total", "help", {{"kind", "y\"}"}}).add(4);
  auto& histogram = metrics.histogram("b_seconds", "help");
  for (int i = 0; i < 99; ++i) histogram.observe(0.012);
  histogram.observe(1000);
  const MetricsText text(metrics.render());
  CHECK(text.total("a_total") == 7);
  CHECK(text.by("a_total", "kind") == std::map<std::string, double>{{"x", 3}, {"y\"}", 4}});
  CHECK(text.total("c_total") == 0);
  const auto median = text.quantile("b_seconds", 0.5);
  REQUIRE(median);
  CHECK(median->count() > 0.005);
  CHECK(median->count() <= 0.025);
  CHECK(text.quantile("b_seconds", 1.0)->count() == Approx(30));
  CHECK_FALSE(text.quantile("a_total", 0.5));
}

TEST_CASE("Whatever labels hold, what is counted is what is read") {
  std::minstd_rand random(7);
  const std::string characters = "ab\\\"{}=,\n #\xC3\xA9";
  for (int round = 0; round < 200; ++round) {
    core::Metrics metrics;
    std::map<std::string, double> plain;
    for (int n = 0; n < 20; ++n) {
      std::string value;
      for (auto length = random() % 8; length > 0; --length)
        value += characters[random() % characters.size()];
      const auto count = random() % 1000;
      metrics.counter("a_total", "help\n{", {{"x", "}"}, {"kind", value}}).add(count);
      plain[value] += static_cast<double>(count);
    }
    const MetricsText text(metrics.render());
    CHECK(text.by("a_total", "kind") == plain);
    double total = 0;
    for (const auto& [value, count] : plain) total += count;
    CHECK(text.total("a_total") == total);
  }
}

TEST_CASE("Metrics that cannot be read are skipped") {
  const MetricsText text("a\n\n# HELP b 1\nb{ 2\nc x\nd 5");
  CHECK(text.total("a") == 0);
  CHECK(text.total("c") == 0);
  CHECK(text.total("d") == 5);
}
