#include "monitor/scores/score_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace vitrine::monitor {
namespace {

struct Binned {
  std::vector<double> labelled;
  std::vector<double> others;
  std::vector<double> means;
  [[nodiscard]] BinnedScores view() const { return {labelled, others, means}; }
};

/// A bin for each distinct score.
Binned OfDistinct(const std::vector<int>& labels, const std::vector<double>& scores) {
  std::map<double, std::pair<double, double>> by_score;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    (labels[i] != 0 ? by_score[scores[i]].first : by_score[scores[i]].second) += 1;
  }
  Binned binned;
  for (const auto& [score, counts] : by_score) {
    binned.labelled.push_back(counts.first);
    binned.others.push_back(counts.second);
    binned.means.push_back(score);
  }
  return binned;
}

/// The same in bins of the given width.
Binned OfWidth(const std::vector<int>& labels, const std::vector<double>& scores, double width) {
  const auto bins = static_cast<std::size_t>(1 / width);
  Binned binned{std::vector<double>(bins), std::vector<double>(bins), std::vector<double>(bins)};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>(scores[i] / width));
    (labels[i] != 0 ? binned.labelled : binned.others)[bin] += 1;
    binned.means[bin] += scores[i];
  }
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double n = binned.labelled[bin] + binned.others[bin];
    binned.means[bin] = n > 0 ? binned.means[bin] / n : 0;
  }
  return binned;
}

TEST(BinnedScores, AreTheIndependentAnswersWhereEachScoreHasABin) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const std::string folder = std::string(root == nullptr ? "" : root) + "/reference/vectors/";
  std::ifstream file(folder + "vectors.json");
  std::ifstream answers(folder + "expected.json");
  if (root == nullptr || !file || !answers) {
    GTEST_SKIP() << "reference/vectors is not there; set VITRINE_TEST_DATA";
  }
  const auto input = nlohmann::json::parse(file);
  const auto expected = nlohmann::json::parse(answers);
  const auto labels = input.at("y").get<std::vector<int>>();
  for (const std::string name : {"p", "p_ties"}) {
    const auto scores = input.at(name).get<std::vector<double>>();
    const Binned exact = OfDistinct(labels, scores);
    const double auc = expected.at(name).at("roc_auc");
    EXPECT_NEAR(BinnedAuc(exact.view()).value, auc, 1e-9) << name;
    if (*std::min_element(scores.begin(), scores.end()) > 1e-9) {
      EXPECT_NEAR(BinnedLogLoss(exact.view()), expected.at(name).at("log_loss"), 1e-9) << name;
    }
    EXPECT_NEAR(BinnedAccuracy(exact.view(), 0.5).value, expected.at(name).at("accuracy@0.5"), 1e-9)
        << name;
    for (const double width : {0.25, 0.1, 0.02, 0.004}) {
      const Binned coarse = OfWidth(labels, scores, width);
      const BinnedValue value = BinnedAuc(coarse.view());
      EXPECT_NEAR(value.value, auc, value.error + 1e-12) << name << " " << width;
      const BinnedValue accuracy = BinnedAccuracy(coarse.view(), 0.5);
      EXPECT_NEAR(accuracy.value, expected.at(name).at("accuracy@0.5"), accuracy.error + 1e-12)
          << name << " " << width;
    }
  }
}

TEST(BinnedScores, OneClassOrNothingSaysNothing) {
  const Binned none = OfDistinct({}, {});
  EXPECT_EQ(BinnedAuc(none.view()).error, 0.5);
  EXPECT_EQ(BinnedLogLoss(none.view()), 0);
  EXPECT_EQ(BinnedCalibrationError(none.view(), 10), 0);
  EXPECT_EQ(BinnedAccuracy(none.view(), 0.5).value, 0);
  EXPECT_EQ(BinnedAuc(OfDistinct({1, 1}, {0.1, 0.2}).view()).value, 0.5);
  EXPECT_NEAR(BinnedLogLoss(OfDistinct({1}, {0}).view()), -std::log(1e-9), 1e-9);
}

TEST(BinnedScores, CalibrationErrorIsTheMeanMissOfEqualParts) {
  // 100 places a bin, ten bins: each a part.
  Binned binned;
  double expected = 0;
  for (int bin = 0; bin < 10; ++bin) {
    const double came = bin * 7;
    binned.labelled.push_back(came);
    binned.others.push_back(100 - came);
    binned.means.push_back(0.05 + bin * 0.08);
    expected += std::fabs(binned.means.back() - came / 100) / 10;
  }
  EXPECT_NEAR(BinnedCalibrationError(binned.view(), 10), expected, 1e-12);
  // One part: only the sum counts.
  EXPECT_NEAR(BinnedCalibrationError(binned.view(), 1),
              std::fabs(BinnedExpected(binned.view()) - 315) / 1000, 1e-12);
}

/// Scores that are the chance of a click, times `factor`.
struct Drawn {
  std::vector<int> labels;
  std::vector<double> scores;
  double expected = 0;
  double came = 0;
};
Drawn Fill(ScoreQuality& quality, int answers, double factor, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform;
  ScoreBins bins;
  while (!bins.ready()) bins.Learn(factor * std::pow(uniform(random), 3));
  Drawn drawn;
  for (int i = 0; i < answers; ++i) {
    std::array<double, 10> scores{};
    std::array<std::uint8_t, 10> of{};
    std::uint64_t clicked = 0;
    double sum = 0;
    for (std::size_t p = 0; p < 10; ++p) {
      const double chance = std::pow(uniform(random), 3);
      scores[p] = factor * chance;
      of[p] = bins.BinOf(scores[p]);
      const bool click = uniform(random) < chance;
      clicked |= std::uint64_t{click} << p;
      sum += scores[p];
      drawn.labels.push_back(click ? 1 : 0);
      drawn.scores.push_back(scores[p]);
      drawn.came += click ? 1 : 0;
    }
    drawn.expected += sum;
    quality.OnAnswer(scores, of);
    quality.OnClicks(of, clicked, sum, i % 3 == 0, static_cast<std::size_t>(i) % kShopperGroups,
                     i % 2);
  }
  return drawn;
}

TEST(ScoreQuality, IsCloseToWhatTheSingleScoresGive) {
  ScoreQuality quality;
  const Drawn drawn = Fill(quality, 3000, 0.8, 1);
  const ScoreReport report = quality.Report();
  const Binned exact = OfDistinct(drawn.labels, drawn.scores);
  EXPECT_TRUE(report.probabilities);
  EXPECT_EQ(report.all.places, 30'000U);
  EXPECT_EQ(static_cast<double>(report.all.clicked), drawn.came);
  EXPECT_NEAR(report.all.auc.value, BinnedAuc(exact.view()).value, report.all.auc.error);
  EXPECT_LT(report.all.auc.error, 0.003);
  EXPECT_NEAR(report.all.log_loss, BinnedLogLoss(exact.view()), 0.002);
  EXPECT_NEAR(report.expected_ratio.mean, drawn.expected / drawn.came, 1e-9);
  EXPECT_GT(report.expected_ratio.low, 0.7);
  EXPECT_LT(report.expected_ratio.high, 0.95);  // it is known to say too little
  std::uint64_t places = 0;
  for (std::size_t slice = 0; slice < 4; ++slice) places += report.slices[slice].places;
  EXPECT_EQ(places, 30'000U);
  EXPECT_EQ(report.slices[4].places + report.slices[5].places, 30'000U);
  EXPECT_EQ(report.slices[0].places, 3000U);
  EXPECT_NEAR(report.slices[5].auc.value, report.all.auc.value, 0.03);
}

TEST(ScoreQuality, TheRatiosIntervalHoldsTheTruth) {
  int held = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    ScoreQuality quality;
    Fill(quality, 320, 1, seed);
    const MetricValue ratio = quality.Report().expected_ratio;
    held += ratio.low <= 1 && 1 <= ratio.high ? 1 : 0;
  }
  EXPECT_GE(held, 180);
  EXPECT_LE(held, 199);
}

TEST(ScoreQuality, HoursAddUpToTheWhole) {
  ScoreQuality quality;
  Fill(quality, 1000, 0.5, 2);
  const ScoreReport report = quality.Report();
  std::map<std::int64_t, ScoreHour> hours;
  quality.CloseHours(1, [&](std::int64_t hour, const ScoreHour& scores) { hours[hour] = scores; });
  ASSERT_EQ(hours.size(), 1U);
  EXPECT_EQ(hours[0].places, 5000);
  EXPECT_NEAR(hours[0].wins / hours[0].pairs, report.all.auc.value, 0.03);
  EXPECT_NEAR(hours[0].log_loss / hours[0].places, report.all.log_loss, 0.03);
  EXPECT_NEAR(hours[0].expected / hours[0].clicked, report.expected_ratio.mean, 0.05);
}

TEST(ScoreQuality, ScoresThatAreNoProbabilitiesHaveAnAucOnly) {
  ScoreQuality quality;
  Fill(quality, 300, 5, 3);
  const ScoreReport report = quality.Report();
  EXPECT_FALSE(report.probabilities);
  EXPECT_GT(report.all.auc.value, 0.7);
  EXPECT_EQ(report.all.log_loss, 0);
  EXPECT_EQ(report.expected_ratio.mean, 0);
}

TEST(ScoreQuality, OutlivesARestart) {
  ScoreQuality quality;
  Fill(quality, 300, 1, 4);
  const auto kept = ScoreQuality::Load(nlohmann::json::parse(quality.Save().dump()));
  EXPECT_EQ(kept.Save(), quality.Save());
  EXPECT_EQ(kept.Report().all.auc.value, quality.Report().all.auc.value);
}

}  // namespace
}  // namespace vitrine::monitor
