#include "rollout/cuped.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rollout/confidence_sequence.h"
#include "rollout/draws_testing.h"

namespace vitrine::rollout {
namespace {

JointMoments SumsOf(const std::vector<Unit>& units) {
  JointMoments sums;
  for (const Unit& unit : units) {
    sums.Add(unit);
  }
  return sums;
}

double RatioOf(const std::vector<Unit>& units) {
  double value = 0;
  double weight = 0;
  for (const Unit& unit : units) {
    value += unit.value;
    weight += unit.weight;
  }
  return value / weight;
}

/// Shoppers whose clicks an answer follow how much they clicked before; `lift` is added to all.
std::vector<Unit> Shoppers(TestDraws& draws, int n, double lift) {
  std::vector<Unit> units;
  for (int i = 0; i < n; ++i) {
    const double taste = 2 + draws.Normal();
    const double answers = 1 + std::floor(10 * draws.Uniform());
    Unit unit;
    unit.weight = answers;
    unit.value = answers * (taste + lift) + std::sqrt(answers) * draws.Normal();
    unit.before = taste + 0.5 * draws.Normal();
    units.push_back(unit);
  }
  return units;
}

TEST(RatioMoments, MeanAndSpreadAreThoseOfTheShoppersParts) {
  TestDraws draws(1);
  const std::vector<Unit> units = Shoppers(draws, 500, 0);
  const Moments ratio = RatioMoments(SumsOf(units));
  const double expected = RatioOf(units);
  EXPECT_NEAR(ratio.mean, expected, 1e-9);
  double weight = 0;
  for (const Unit& unit : units) {
    weight += unit.weight / 500;
  }
  Moments parts;
  for (const Unit& unit : units) {
    parts.Add((unit.value - expected * unit.weight) / weight);
  }
  EXPECT_NEAR(ratio.m2, parts.m2, 1e-6 * parts.m2);
  // And the standard error is the one that resampling shoppers gives.
  Moments resampled;
  for (int resample = 0; resample < 2000; ++resample) {
    std::vector<Unit> drawn;
    for (std::size_t i = 0; i < units.size(); ++i) {
      drawn.push_back(units[static_cast<std::size_t>(draws.Uniform() * 500)]);
    }
    resampled.Add(RatioOf(drawn));
  }
  EXPECT_NEAR(std::sqrt(MeanOf(ratio).variance / resampled.Variance()), 1, 0.08);
}

TEST(RatioMoments, APlainMeanWhereWeightsAreOneAndZeroWithoutWeight) {
  const std::vector<Unit> units = {{1}, {4}, {4}, {7}};
  const Moments mean = RatioMoments(SumsOf(units));
  EXPECT_DOUBLE_EQ(mean.mean, 4);
  EXPECT_DOUBLE_EQ(mean.Variance(), 6);
  EXPECT_EQ(RatioMoments(SumsOf({{1, 0}, {2, 0}})).n, 0);
}

TEST(Adjust, IsTheRegressionOnWhatWasBefore) {
  TestDraws draws(2);
  const std::vector<Unit> control = Shoppers(draws, 400, 0);
  const std::vector<Unit> treatment = Shoppers(draws, 300, 0.2);
  const AdjustedArms arms = Adjust(SumsOf(control), SumsOf(treatment));
  // The slow way: parts of each shopper, theta within the arms, adjusted parts.
  double products = 0;
  double squares = 0;
  double before = 0;
  for (const auto* arm : {&control, &treatment}) {
    for (const Unit& unit : *arm) {
      before += unit.before / 700;
    }
  }
  const auto visit = [](const std::vector<Unit>& arm, const auto& use) {
    double weight = 0;
    double mean_before = 0;
    for (const Unit& unit : arm) {
      weight += unit.weight / static_cast<double>(arm.size());
      mean_before += unit.before / static_cast<double>(arm.size());
    }
    const double ratio = RatioOf(arm);
    for (const Unit& unit : arm) {
      use((unit.value - ratio * unit.weight) / weight, unit.before, mean_before, ratio);
    }
  };
  for (const auto* arm : {&control, &treatment}) {
    visit(*arm, [&](double part, double x, double mean_x, double) {
      products += part * (x - mean_x);
      squares += (x - mean_x) * (x - mean_x);
    });
  }
  const double theta = products / squares;
  EXPECT_NEAR(arms.theta, theta, 1e-9);
  Moments slow;
  visit(treatment, [&](double part, double x, double, double ratio) {
    slow.Add(ratio + part - theta * (x - before));
  });
  EXPECT_NEAR(arms.treatment.mean, slow.mean, 1e-9);
  EXPECT_NEAR(arms.treatment.m2, slow.m2, 1e-6 * slow.m2);
  EXPECT_LT(arms.variance_left, 0.5);
  EXPECT_GT(arms.variance_left, 0.1);
}

TEST(Adjust, LeavesTheDifferenceUnbiasedAndHalvesItsError) {
  Moments plain;
  Moments adjusted;
  int covered = 0;
  constexpr int kRuns = 2000;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    TestDraws draws(100 + run);
    const JointMoments control = SumsOf(Shoppers(draws, 200, 0));
    const JointMoments treatment = SumsOf(Shoppers(draws, 150, 0.3));
    plain.Add(RatioMoments(treatment).mean - RatioMoments(control).mean);
    const AdjustedArms arms = Adjust(control, treatment);
    const Estimate difference = DifferenceOf(arms.control, arms.treatment);
    adjusted.Add(difference.value);
    covered += std::abs(difference.value - 0.3) < 1.96 * std::sqrt(difference.variance) ? 1 : 0;
  }
  EXPECT_NEAR(adjusted.mean, 0.3, 5 * std::sqrt(adjusted.Variance() / kRuns));
  EXPECT_LT(adjusted.Variance(), 0.55 * plain.Variance());
  EXPECT_GT(covered, kRuns * 0.95 - 40);  // its own error is the right one
}

TEST(Adjust, WithoutACovariateNothingChanges) {
  TestDraws draws(3);
  std::vector<Unit> control = Shoppers(draws, 50, 0);
  std::vector<Unit> treatment = Shoppers(draws, 50, 0);
  for (auto* arm : {&control, &treatment}) {
    for (Unit& unit : *arm) {
      unit.before = 0;
    }
  }
  const AdjustedArms arms = Adjust(SumsOf(control), SumsOf(treatment));
  EXPECT_EQ(arms.theta, 0);
  EXPECT_EQ(arms.variance_left, 1);
  EXPECT_DOUBLE_EQ(arms.control.mean, RatioMoments(SumsOf(control)).mean);
  EXPECT_EQ(Adjust(JointMoments{}, JointMoments{}).control.n, 0);
}

}  // namespace
}  // namespace vitrine::rollout
