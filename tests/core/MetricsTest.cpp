#include "p2/core/Metrics.h"
#include "support/Catch.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

using p2::core::Histogram;
using p2::core::Metrics;

TEST_CASE("Nothing is rendered before anything is registered") {
  CHECK(Metrics().render().empty());
}

TEST_CASE("Counters and gauges are rendered in the order of their names and labels") {
  Metrics metrics;
  metrics.counter("p2_pushes_total", "Pushes.", {{"outcome", "retry"}}).add();
  metrics.counter("p2_pushes_total", "Pushes.", {{"outcome", "delivered"}}).add(12);
  metrics.gauge("p2_push_queue", "Pushes waiting.").set(-3);
  CHECK(metrics.render() ==
        "# HELP p2_push_queue Pushes waiting.\n"
        "# TYPE p2_push_queue gauge\n"
        "p2_push_queue -3\n"
        "# HELP p2_pushes_total Pushes.\n"
        "# TYPE p2_pushes_total counter\n"
        "p2_pushes_total{outcome=\"delivered\"} 12\n"
        "p2_pushes_total{outcome=\"retry\"} 1\n");
}

TEST_CASE("A histogram is rendered with cumulated buckets, sum and count") {
  Metrics metrics;
  auto& seconds = metrics.histogram("p2_push_seconds", "Time.", {{"service", "fcm"}});
  seconds.observe(0.0005);  // a bound belongs to its bucket
  seconds.observe(0.3);
  seconds.observe(0.3);
  seconds.observe(31);
  CHECK(metrics.render() ==
        "# HELP p2_push_seconds Time.\n"
        "# TYPE p2_push_seconds histogram\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.0005\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.001\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.0025\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.005\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.01\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.025\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.05\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.1\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.25\"} 1\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"0.5\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"1\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"2.5\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"5\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"10\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"15\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"30\"} 3\n"
        "p2_push_seconds_bucket{service=\"fcm\",le=\"+Inf\"} 4\n"
        "p2_push_seconds_sum{service=\"fcm\"} 31.6005\n"
        "p2_push_seconds_count{service=\"fcm\"} 4\n");
}

TEST_CASE("A sum keeps its digits however large it is") {
  Metrics metrics;
  metrics.histogram("p2_push_seconds", "Time.").observe(1234567.25);
  CHECK(metrics.render().find("p2_push_seconds_sum 1234567.25\n") != std::string::npos);
}

TEST_CASE("A time below zero counts as zero") {
  const std::array bounds{1.0};
  Histogram histogram(bounds);
  histogram.observe(-1);
  CHECK(histogram.snapshot().sum == 0);
  CHECK(histogram.snapshot().counts == std::vector<std::uint64_t>{1, 0});
}

TEST_CASE("Label values are escaped as the exposition format asks") {
  Metrics metrics;
  metrics.gauge("p2_build_info", "Build.", {{"version", "a\"b\\c\nd"}, {"os", "x"}}).set(1);
  CHECK(metrics.render() ==
        "# HELP p2_build_info Build.\n"
        "# TYPE p2_build_info gauge\n"
        "p2_build_info{version=\"a\\\"b\\\\c\\nd\",os=\"x\"} 1\n");
}

TEST_CASE("Asking again for the same name and labels gives the same object") {
  Metrics metrics;
  auto& first = metrics.counter("p2_x_total", "X.", {{"a", "1"}});
  CHECK(&metrics.counter("p2_x_total", "X.", {{"a", "1"}}) == &first);
  CHECK(&metrics.counter("p2_x_total", "X.", {{"a", "2"}}) != &first);
}

TEST_CASE("A total is the sum over all labels, or over those that have the wanted ones") {
  Metrics metrics;
  metrics.counter("p2_x_total", "X.").add(1);
  metrics.counter("p2_x_total", "X.", {{"service", "a"}, {"outcome", "good"}}).add(10);
  metrics.counter("p2_x_total", "X.", {{"service", "b"}, {"outcome", "good"}}).add(100);
  metrics.counter("p2_x_total", "X.", {{"service", "a"}, {"outcome", "bad"}}).add(1000);
  // What a value looks like is not what it is.
  metrics.counter("p2_x_total", "X.", {{"service", ",outcome=\"good\""}, {"y_outcome", "good"}}).add(10000);
  metrics.counter("p2_x_seconds_total", "Another.", {{"service", "a"}}).add(100000);
  CHECK(metrics.total("p2_x_total") == 11111);
  CHECK(metrics.total("p2_x_total", {{"outcome", "good"}}) == 110);
  CHECK(metrics.total("p2_x_total", {{"outcome", "bad"}, {"service", "a"}}) == 1000);
  CHECK(metrics.total("p2_x_total", {{"outcome", "bad"}, {"service", "b"}}) == 0);
  CHECK(metrics.total("p2_unknown_total") == 0);
}

TEST_CASE("A distribution holds what all histograms of the name have observed, bucket by bucket") {
  Metrics metrics;
  auto& one = metrics.histogram("p2_x_seconds", "X.", {{"service", "a"}});
  auto& other = metrics.histogram("p2_x_seconds", "X.", {{"service", "b"}});
  for (const double seconds : {0.0001, 0.3, 60.0}) {
    one.observe(seconds);
    other.observe(seconds);
  }
  other.observe(0.3);
  auto expected = one.snapshot();
  for (auto& count : expected.counts) count *= 2;
  expected.counts.at(9) += 1;
  const auto all = metrics.distribution("p2_x_seconds");
  CHECK(all.bounds == expected.bounds);
  CHECK(all.counts == expected.counts);
  CHECK(all.sum == Approx(2 * one.snapshot().sum + 0.3));
  const auto none = metrics.distribution("p2_unknown_seconds");
  CHECK(none.bounds == expected.bounds);
  CHECK(none.counts == std::vector<std::uint64_t>(expected.counts.size(), 0));
  CHECK(none.sum == 0);
}

TEST_CASE("Collectors run before every rendering and may use the registry") {
  Metrics metrics;
  int runs = 0;
  metrics.onCollect([&] { metrics.gauge("p2_runs", "Runs.").set(++runs); });
  metrics.render();
  CHECK(metrics.render().find("p2_runs 2\n") != std::string::npos);
}

TEST_CASE("Counts from several threads are not lost") {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&metrics] {
      for (int n = 0; n < 1000; ++n) {
        metrics.counter("p2_x_total", "X.").add();
        metrics.gauge("p2_y", "Y.").add(n % 2 == 0 ? 1 : -1);
        metrics.histogram("p2_z_seconds", "Z.").observe(0.001);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(metrics.counter("p2_x_total", "X.").value() == 4000);
  CHECK(metrics.gauge("p2_y", "Y.").value() == 0);
  CHECK(metrics.histogram("p2_z_seconds", "Z.").snapshot().sum == 4.0);
}
