#include "core/metrics.h"

#include <gtest/gtest.h>

#include <thread>

namespace vitrine {
namespace {

TEST(Metrics, TextHasHelpTypeAndEscapedLabels) {
  MetricRegistry registry;
  registry.GetCounter("vitrine_events_total", "Events taken in.", {{"result", "a\"b\\c\n"}}).Add(3);
  registry.GetGauge("vitrine_up", "1 while serving.").Set(1);
  EXPECT_EQ(registry.WriteText(),
            "# HELP vitrine_events_total Events taken in.\n"
            "# TYPE vitrine_events_total counter\n"
            "vitrine_events_total{result=\"a\\\"b\\\\c\\n\"} 3\n"
            "# HELP vitrine_up 1 while serving.\n"
            "# TYPE vitrine_up gauge\n"
            "vitrine_up 1\n");
}

TEST(Metrics, HistogramBucketsAreCumulativeInText) {
  MetricRegistry registry;
  Histogram& h = registry.GetHistogram("vitrine_wait_seconds", "Wait.", {1, 2});
  h.Observe(0.5);
  h.Observe(1);  // a bound belongs to its own bucket
  h.Observe(9);
  EXPECT_EQ(registry.WriteText(),
            "# HELP vitrine_wait_seconds Wait.\n"
            "# TYPE vitrine_wait_seconds histogram\n"
            "vitrine_wait_seconds_bucket{le=\"1\"} 2\n"
            "vitrine_wait_seconds_bucket{le=\"2\"} 2\n"
            "vitrine_wait_seconds_bucket{le=\"+Inf\"} 3\n"
            "vitrine_wait_seconds_sum 10.5\n"
            "vitrine_wait_seconds_count 3\n");
}

TEST(Metrics, QuantileInterpolates) {
  Histogram h({10, 20});
  for (int i = 0; i < 10; ++i) {
    h.Observe(15);
  }
  EXPECT_DOUBLE_EQ(h.Read().Quantile(0.5), 15);
  EXPECT_DOUBLE_EQ(Histogram({1}).Read().Quantile(0.99), 0);
}

TEST(Metrics, ThreadsDoNotLoseCounts) {
  MetricRegistry registry;
  Counter& counter = registry.GetCounter("vitrine_n_total", "N.");
  Histogram& histogram = registry.GetHistogram("vitrine_n_seconds", "N.", {1});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5000; ++i) {
          counter.Add();
          histogram.Observe(0.5);
        }
      });
    }
    for (int i = 0; i < 20; ++i) {
      EXPECT_FALSE(registry.WriteText().empty());
    }
  }
  EXPECT_EQ(counter.Value(), 20000U);
  EXPECT_EQ(histogram.Read().count, 20000U);
  EXPECT_DOUBLE_EQ(histogram.Read().sum, 10000);
}

}  // namespace
}  // namespace vitrine
