#include "core/metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/open_metrics_testing.h"

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

TEST(Metrics, OpenMetricsHasFamiliesUnitsAndExemplars) {
  MetricRegistry registry;
  registry.GetCounter("vitrine_in_bytes_total", "Taken \"in\".\nAll.", {{"a", "x\"}\\\n"}}).Add(3);
  registry.GetGauge("vitrine_up", "1 while serving.").Set(0.5);
  Histogram& h =
      registry.GetHistogram("vitrine_wait_seconds", "Wait.", {0.25, 1}, {{"route", "/a/{b}"}});
  TraceId trace{};
  trace.fill(0xab);
  h.Observe(0.1);
  h.Observe({.trace = trace, .value = 0.5, .at = {1'520'879'607'000'789}});
  h.Observe({.trace = trace, .value = 0.75, .at = {1'520'879'608'000'000}});  // the newest stays
  EXPECT_EQ(registry.WriteOpenMetrics(),
            "# TYPE vitrine_in_bytes counter\n"
            "# UNIT vitrine_in_bytes bytes\n"
            "# HELP vitrine_in_bytes Taken \\\"in\\\".\\nAll.\n"
            "vitrine_in_bytes_total{a=\"x\\\"}\\\\\\n\"} 3\n"
            "# TYPE vitrine_up gauge\n"
            "# HELP vitrine_up 1 while serving.\n"
            "vitrine_up 0.5\n"
            "# TYPE vitrine_wait_seconds histogram\n"
            "# UNIT vitrine_wait_seconds seconds\n"
            "# HELP vitrine_wait_seconds Wait.\n"
            "vitrine_wait_seconds_bucket{route=\"/a/{b}\",le=\"0.25\"} 1\n"
            "vitrine_wait_seconds_bucket{route=\"/a/{b}\",le=\"1.0\"} 3"
            " # {trace_id=\"abababababababababababababababab\"} 0.75 1520879608.000000\n"
            "vitrine_wait_seconds_bucket{route=\"/a/{b}\",le=\"+Inf\"} 3\n"
            "vitrine_wait_seconds_sum{route=\"/a/{b}\"} 1.35\n"
            "vitrine_wait_seconds_count{route=\"/a/{b}\"} 3\n"
            "# EOF\n");
  const OpenMetricsText read(registry.WriteOpenMetrics());
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.units.at("vitrine_in_bytes"), "bytes");
  EXPECT_EQ(read.Named("vitrine_wait_seconds_bucket").size(), 3U);
  EXPECT_EQ(registry.WriteText().find(" # {"), std::string::npos);  // 0.0.4 has none
}

TEST(Metrics, TheStrictReaderRefusesWhatOpenMetricsDoes) {
  for (const std::string text : {
           "# TYPE a counter\na_total 1\n",                   // no end
           "# TYPE a counter\na 1\n# EOF\n",                  // a counter's sample is a_total
           "# TYPE a_total counter\na_total 1\n# EOF\n",      // and its family is not
           "# TYPE a gauge\na 1\n# TYPE a gauge\n# EOF\n",    // twice
           "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",  // not the unit of its name
           "# TYPE a gauge\na 1 # {t=\"1\"} 1\n# EOF\n",      // a gauge has no exemplar
           "# TYPE a gauge\na{b=\"1\",} 1\n# EOF\n",          // a comma too many
           "# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_count 1\na_sum 1\n# EOF\n",
           "# TYPE a histogram\na_bucket{le=\"1.0\"} 1 # {t=\"1\"} 2.0\n"
           "a_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 1\n# EOF\n",
           "# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_count 1\na_sum 1\n# EOF\n",
       }) {
    EXPECT_NE(OpenMetricsText(text).error, "") << text;
  }
}

TEST(MetricsDeathTest, OneNameStandsForOneFamily) {
  MetricRegistry registry;
  registry.GetGauge("vitrine_connections", "Open.");
  EXPECT_DEATH(registry.GetCounter("vitrine_connections_total", "Accepted."), "");
  EXPECT_DEATH(registry.GetCounter("vitrine_accepted", "Accepted."), "");
  registry.GetCounter("vitrine_events_total", "Events.");
  EXPECT_DEATH(registry.GetGauge("vitrine_events", "Events."), "");
}

TEST(Metrics, ExemplarsOfManyThreadsStayWhole) {
  Histogram histogram({1, 2});
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  for (std::uint8_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      TraceId trace{};
      trace.fill(t);
      while (!stop) {
        histogram.Observe({.trace = trace, .value = t / 4.0 + 0.5, .at = {t}});
      }
    });
  }
  int seen = 0;
  while (seen < 2000) {
    for (const Exemplar& one : histogram.Exemplars()) {
      if (one.trace != TraceId{}) {
        ++seen;
        const std::uint8_t t = one.trace[0];
        ASSERT_EQ(one.trace[15], t);
        ASSERT_EQ(one.at.value, t);
        ASSERT_EQ(one.value, t / 4.0 + 0.5);
      }
    }
  }
  stop = true;
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
