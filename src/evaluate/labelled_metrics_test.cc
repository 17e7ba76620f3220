#include "evaluate/labelled_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "evaluate/binary_metrics.h"
#include "evaluate/compare.h"
#include "evaluate/gate.h"
#include "evaluate/summarise.h"

namespace vitrine::evaluate {
namespace {

/// Rows of a few users, with ties among the probabilities.
std::vector<LabelledResult> RandomRows(std::uint64_t seed, std::size_t rows, std::uint32_t users) {
  std::mt19937_64 random(seed);
  std::vector<LabelledResult> out;
  for (std::size_t i = 0; i < rows; ++i) {
    const double p = static_cast<double>(random() % 20) / 20 + 0.01;
    out.push_back(
        {.group = static_cast<std::uint32_t>(random() % users),
         .label = static_cast<std::uint8_t>(static_cast<double>(random() % 100) < 100 * p),
         .slices = 0,
         .probability = p});
  }
  return out;
}

/// The slow way: rows stand in the list as often as their group's weight says.
LabelledValues Oracle(const std::vector<LabelledResult>& rows,
                      const std::vector<std::uint32_t>& weights) {
  std::vector<std::uint8_t> labels;
  std::vector<double> scores;
  for (const LabelledResult& row : rows) {
    for (std::uint32_t w = 0; w < weights[row.group]; ++w) {
      labels.push_back(row.label);
      scores.push_back(row.probability);
    }
  }
  return {*Auc(labels, scores),
          *AveragePrecision(labels, scores),
          *LogLoss(labels, scores),
          *Brier(labels, scores),
          *CalibrationError(labels, scores),
          *CalibrationRatio(labels, scores),
          *Accuracy(labels, scores)};
}

TEST(WeighedRows, AreTheBinaryMetricsOfRepeatedRows) {
  std::mt19937_64 random(7);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto rows = RandomRows(seed, 200, 9);
    const WeighedRows weighed(rows);
    std::vector<std::uint32_t> weights(weighed.groups());
    for (std::uint32_t& weight : weights) {
      weight = static_cast<std::uint32_t>(random() % 4);
    }
    weights[0] = 1;
    const LabelledValues got = weighed.At(weights);
    const LabelledValues want = Oracle(rows, weights);
    for (std::size_t m = 0; m < kLabelledMetrics; ++m) {
      EXPECT_NEAR(got[m], want[m], 1e-12)
          << LabelledMetricName(static_cast<LabelledMetric>(m)) << ", seed " << seed;
    }
  }
}

TEST(WeighedRows, WhatIsNotDefinedIsNoNumber) {
  const std::vector<LabelledResult> alike = {{0, 1, 0, 0.4}, {1, 1, 0, 0.6}};
  const std::vector<std::uint32_t> ones = {1, 1};
  const auto value = [](const LabelledValues& values, LabelledMetric metric) {
    return values[static_cast<std::size_t>(metric)];
  };
  EXPECT_TRUE(std::isnan(value(WeighedRows(alike).At(ones), LabelledMetric::kAuc)));
  EXPECT_TRUE(std::isfinite(value(WeighedRows(alike).At(ones), LabelledMetric::kLogLoss)));
  const std::vector<LabelledResult> scores = {{0, 1, 0, 7}, {1, 0, 0, -3}};  // no probabilities
  EXPECT_EQ(value(WeighedRows(scores).At(ones), LabelledMetric::kAuc), 1);
  EXPECT_TRUE(std::isnan(value(WeighedRows(scores).At(ones), LabelledMetric::kLogLoss)));
}

TEST(LabelledMetrics, IntervalsResampleUsers) {
  // One user holds nearly all rows: over rows the interval would be narrow, over users it is not.
  std::vector<LabelledResult> rows;
  std::mt19937_64 random(3);
  for (int i = 0; i < 3000; ++i) {
    const bool busy = i % 10 != 0;
    rows.push_back({.group = busy ? 0 : 1 + static_cast<std::uint32_t>(random() % 30),
                    .label = static_cast<std::uint8_t>(random() % 2),
                    .slices = 0,
                    .probability = busy ? 0.5 : 0.9});
  }
  const auto metrics = LabelledMetrics(rows, {.seed = 5});
  const MetricValue loss = metrics.at("log_loss");
  EXPECT_LT(loss.low, loss.mean);
  EXPECT_GT(loss.high - loss.low, 0.1);
  const MetricValue again = LabelledMetrics(rows, {.seed = 5}).at("log_loss");
  EXPECT_EQ(loss.low, again.low);
  EXPECT_EQ(loss.high, again.high);
}

TEST(LabelledMetrics, TheIntervalHoldsTheTruthAboutAsOftenAsItSays) {
  // Probabilities are true, so the calibration ratio is 1 in the long run.
  int inside = 0;
  constexpr int kRuns = 200;
  for (std::uint64_t seed = 1; seed <= kRuns; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<LabelledResult> rows;
    for (std::uint32_t user = 0; user < 80; ++user) {
      for (int i = 0; i < 5; ++i) {
        const double p = static_cast<double>(1 + random() % 8) / 10;
        const bool taken = static_cast<double>(random() % 1'000'000) < p * 1e6;
        rows.push_back({user, static_cast<std::uint8_t>(taken), 0, p});
      }
    }
    const MetricValue ratio =
        LabelledMetrics(rows, {.seed = seed, .resamples = 300}).at("calibration_ratio");
    inside += ratio.low <= 1 && 1 <= ratio.high ? 1 : 0;
  }
  EXPECT_GE(inside, kRuns * 90 / 100);
  EXPECT_LE(inside, kRuns * 99 / 100);
}

EvalReport ReportOf(std::string model, std::vector<LabelledResult> rows) {
  EvalReport report;
  report.model = std::move(model);
  report.cases_hash = "same";
  report.labelled = std::move(rows);
  Summarise({}, report);
  return report;
}

/// The same rows, probabilities drawn towards 1/2.
std::vector<LabelledResult> Blurred(std::vector<LabelledResult> rows, double share) {
  for (LabelledResult& row : rows) {
    row.probability = share * 0.5 + (1 - share) * row.probability;
  }
  return rows;
}

TEST(Gate, JudgesLabelledRowsByTheirLoss) {
  const auto rows = RandomRows(11, 2000, 300);
  const EvalReport sharp = ReportOf("sharp", rows);
  const EvalReport blurred = ReportOf("blurred", Blurred(rows, 0.7));
  GateRule rule;
  rule.metric = DecidingMetric(sharp);
  EXPECT_EQ(rule.metric, "log_loss");
  EXPECT_TRUE(Judge(sharp, &blurred, nullptr, rule).pass);
  const GateVerdict worse = Judge(blurred, &sharp, nullptr, rule);
  EXPECT_FALSE(worse.pass);
  ASSERT_EQ(worse.checks.size(), 1U);
  EXPECT_GT(worse.checks[0].difference.low, 0);  // a loss: more is worse
  EXPECT_EQ(worse.checks[0].cases, 2000U);
  EXPECT_TRUE(Judge(sharp, &sharp, nullptr, rule).pass);
  rule.must_improve = true;
  EXPECT_FALSE(Judge(sharp, &sharp, nullptr, rule).pass);
  EXPECT_TRUE(Judge(sharp, &blurred, nullptr, rule).pass);
  rule.metric = "auc";  // blurring keeps the order
  rule.must_improve = false;
  EXPECT_TRUE(Judge(blurred, &sharp, nullptr, rule).pass);
}

TEST(Gate, AFirstRankerMustSurelyBeatChance) {
  auto rows = RandomRows(13, 1000, 200);
  EXPECT_TRUE(Judge(ReportOf("first", rows), nullptr, nullptr, {}).pass);
  std::mt19937_64 random(1);
  for (LabelledResult& row : rows) {
    row.label = static_cast<std::uint8_t>(random() % 2);
  }
  const GateVerdict chance = Judge(ReportOf("chance", rows), nullptr, nullptr, {});
  EXPECT_FALSE(chance.pass);
  EXPECT_NE(chance.reasons.at(0).find("better than chance"), std::string::npos);
}

TEST(Report, KeepsLabelledRowsAsJson) {
  const EvalReport report = ReportOf("m", RandomRows(17, 50, 5));
  const auto read = ParseEvalReport(ToJson(report, true));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->labelled, report.labelled);
  EXPECT_EQ(read->Find("all", "auc")->mean, report.Find("all", "auc")->mean);
  const EvalReport* only = &report;
  const std::string table =
      ComparisonTable({&only, 1}, {.metrics = {}, .primary = "log_loss", .bootstrap = {}});
  EXPECT_NE(table.find("log_loss"), std::string::npos) << table;
}

}  // namespace
}  // namespace vitrine::evaluate
