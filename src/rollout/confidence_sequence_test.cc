#include "rollout/confidence_sequence.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "rollout/cuped.h"
#include "rollout/draws_testing.h"
#include "rollout/fixed_horizon.h"

namespace vitrine::rollout {
namespace {

constexpr int kRuns = 400;
/// 5 % of the runs, and three standard deviations of a binomial above.
constexpr int kAtMost = 20 + 14;

TEST(Boundary, IsTheFormulaOfThePaper) {
  SequenceOptions options;
  options.alpha = 0.01;
  options.expected_n = 800;
  const double rho2 =
      (-2 * std::log(0.01) + std::log(-2 * std::log(0.01) + 1)) / options.expected_n;
  for (const double t : {1.0, 100.0, 800.0, 1e6}) {
    // Theorem 2.2, for sigma 1: half the width of the interval of the mean.
    const double half =
        std::sqrt(2 * (t * rho2 + 1) / (t * t * rho2) * std::log(std::sqrt(t * rho2 + 1) / 0.01));
    EXPECT_NEAR(Boundary(t, options) / std::sqrt(t), half, 1e-12) << t;
  }
}

TEST(Boundary, AWrongExpectationCostsWhatTheHeaderSays) {
  const auto at = [](double expected) {
    SequenceOptions options;
    options.expected_n = expected;
    return Boundary(5000, options);
  };
  EXPECT_NEAR(at(50'000) / at(5000), 1.27, 0.01);
  EXPECT_NEAR(at(500) / at(5000), 1.07, 0.01);
}

/// Runs in which the interval left out the truth at any look, ours and the fixed-horizon one's.
template <typename Draw>
std::pair<int, int> EverWrong(std::uint64_t seed, double truth, const Draw& draw) {
  SequenceOptions options;
  options.expected_n = 500;
  int ours = 0;
  int fixed = 0;
  for (int run = 0; run < kRuns; ++run) {
    TestDraws draws(seed + static_cast<std::uint64_t>(run));
    Moments moments;
    bool wrong = false;
    bool fixed_wrong = false;
    for (int i = 1; i <= 3000; ++i) {
      moments.Add(draw(draws));
      if (i >= 100) {
        const Estimate estimate = MeanOf(moments);
        wrong = wrong || !AlwaysValid(estimate, options).Holds(truth);
        fixed_wrong = fixed_wrong || !FixedHorizonInterval(estimate, 0.05).Holds(truth);
      }
    }
    ours += wrong ? 1 : 0;
    fixed += fixed_wrong ? 1 : 0;
  }
  return {ours, fixed};
}

TEST(AlwaysValid, HoldsTheMeanOverAllLooksWhereTheUsualIntervalDoesNot) {
  const auto [ours, fixed] =
      EverWrong(1, 0.3, [](TestDraws& draws) { return 0.3 + draws.Normal(); });
  EXPECT_LE(ours, kAtMost);
  EXPECT_GT(fixed, kRuns / 4);
}

TEST(AlwaysValid, HoldsTheMeanOfSkewedValues) {
  const auto [ours, fixed] = EverWrong(2, 2.0 * std::exp(0.125),
                                       [](TestDraws& d) { return 2 * std::exp(0.5 * d.Normal()); });
  EXPECT_LE(ours, kAtMost);
  EXPECT_GT(fixed, kRuns / 4);
}

TEST(AlwaysValid, HoldsADifferenceOfUnequalArmsWithUnequalSpreads) {
  SequenceOptions options;
  options.expected_n = 500;
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    TestDraws draws(1000 + static_cast<std::uint64_t>(run));
    Moments control;
    Moments treatment;
    bool ever = false;
    for (int i = 0; i < 6000; ++i) {
      if (draws.Chance(0.1)) {
        treatment.Add(1.5 + 2 * draws.Normal());
      } else {
        control.Add(1 + draws.Normal());
      }
      ever = ever || !AlwaysValid(DifferenceOf(control, treatment), options).Holds(0.5);
    }
    wrong += ever ? 1 : 0;
  }
  EXPECT_LE(wrong, kAtMost);
}

TEST(AlwaysValid, SaysNothingBelowTheMinimumOrWhereNothingVaries) {
  SequenceOptions options;
  options.minimum_n = 50;
  Moments control;
  Moments treatment;
  for (int i = 0; i < 1000; ++i) {
    control.Add(i % 2);
  }
  for (int i = 0; i < 49; ++i) {
    treatment.Add(5 + i % 2);
  }
  EXPECT_FALSE(AlwaysValid(DifferenceOf(control, treatment), options).judged);
  EXPECT_TRUE(AlwaysValid(DifferenceOf(control, treatment), options).Holds(1e9));
  treatment.Add(5);
  const Interval judged = AlwaysValid(DifferenceOf(control, treatment), options);
  EXPECT_TRUE(judged.judged);
  EXPECT_FALSE(judged.Holds(0));
  Moments constant;
  for (int i = 0; i < 200; ++i) {
    constant.Add(1);
  }
  EXPECT_FALSE(AlwaysValid(DifferenceOf(constant, constant), options).judged);
  EXPECT_FALSE(AlwaysValid(MeanOf(Moments{}), options).judged);
  EXPECT_FALSE(AlwaysValid(DifferenceOf(Moments{}, control), options).judged);
}

TEST(DifferenceOf, ASmallArmWithoutHitsBorrowsTheSpreadOfBoth) {
  Moments control;
  Moments treatment;
  for (int i = 0; i < 10'000; ++i) {
    control.Add(i % 50 == 0 ? 1 : 0);
  }
  for (int i = 0; i < 100; ++i) {
    treatment.Add(0);
  }
  // By its own spread alone the difference would be -0.02 +- 0.0014: 14 standard errors for
  // nothing.
  const Estimate difference = DifferenceOf(control, treatment);
  EXPECT_NEAR(std::sqrt(difference.variance), std::sqrt(0.0194 / 100 + 0.0196 / 10'000), 1e-4);
  SequenceOptions options;
  EXPECT_TRUE(AlwaysValid(difference, options).Holds(0));
}

// A ramp over a week in which everybody buys more from day to day: sums over the week compare
// Monday's control with Sunday's treatment.
TEST(Pool, StretchesOfARampDoNotMix) {
  TestDraws draws(7);
  const std::array<double, 3> shares = {0.05, 0.25, 0.5};
  Moments control_sum;
  Moments treatment_sum;
  std::vector<Estimate> stretches;
  for (std::size_t step = 0; step < shares.size(); ++step) {
    Moments control;
    Moments treatment;
    for (int i = 0; i < 20'000; ++i) {
      const double value = static_cast<double>(step) + draws.Normal();
      (draws.Chance(shares[step]) ? treatment : control).Add(value);
    }
    stretches.push_back(DifferenceOf(control, treatment));
    control_sum.Merge(control);
    treatment_sum.Merge(treatment);
  }
  SequenceOptions options;
  EXPECT_GT(AlwaysValid(DifferenceOf(control_sum, treatment_sum), options).low, 0.3);
  const Estimate pooled = Pool(stretches, options.minimum_n);
  EXPECT_TRUE(AlwaysValid(pooled, options).Holds(0));
  EXPECT_EQ(Pool({}, 1).n, 0);
  EXPECT_EQ(Pool(stretches, 1e9).n, 0);
}

// The same shoppers on each step, each with a taste that stays: what the pooled estimate says of
// its own spread is what it has; steps taken for independent would claim half the variance.
TEST(Pool, KnowsThatStepsHaveTheSameShoppers) {
  constexpr int kShoppers = 2000;
  constexpr int kRamps = 1500;
  Moments values;
  double claimed = 0;
  double independent = 0;
  for (std::uint64_t run = 0; run < kRamps; ++run) {
    TestDraws draws(9000 + run);
    std::array<std::array<Moments, 2>, 3> steps;
    for (int s = 0; s < kShoppers; ++s) {
      const double place = draws.Uniform();
      const double taste = draws.Normal();
      const std::array<double, 3> shares = {0.1, 0.25, 0.5};
      for (std::size_t step = 0; step < 3; ++step) {
        steps[step][place < shares[step] ? 1 : 0].Add(taste);
      }
    }
    std::vector<Estimate> stretches;
    double units = 0;
    double squares = 0;
    for (const auto& step : steps) {
      stretches.push_back(DifferenceOf(step[0], step[1]));
      units += stretches.back().n;
      squares += stretches.back().n * stretches.back().n * stretches.back().variance;
    }
    const Estimate pooled = Pool(stretches, 1);
    values.Add(pooled.value);
    claimed += pooled.variance / kRamps;
    independent += squares / (units * units) / kRamps;
  }
  EXPECT_NEAR(values.Variance() / claimed, 1,
              0.15);  // four standard deviations of a variance of 1,500
  EXPECT_LT(independent, 0.65 * values.Variance());
}

// Shoppers who differ and come again and again: their sums are replaced.
TEST(AlwaysValid, HoldsForShoppersWhoComeAgain) {
  SequenceOptions options;
  options.expected_n = 200;
  int wrong = 0;
  int wrong_by_answers = 0;
  for (int run = 0; run < kRuns; ++run) {
    TestDraws draws(5000 + static_cast<std::uint64_t>(run));
    constexpr std::size_t kShoppers = 400;
    std::array<double, kShoppers> taste{};
    std::array<Unit, kShoppers> seen{};
    for (std::size_t s = 0; s < kShoppers; ++s) {
      taste[s] = draws.Chance(0.5) ? 0.05 : 0.45;
      seen[s].weight = 0;
    }
    std::array<JointMoments, 2> arms;
    std::array<Moments, 2> answers;
    bool ever = false;
    bool ever_by_answers = false;
    for (int i = 0; i < 8000; ++i) {
      const auto s = static_cast<std::size_t>(draws.Uniform() * kShoppers);
      const std::size_t arm = s % 2;
      const Unit old = seen[s];
      const double click = draws.Chance(taste[s]) ? 1 : 0;
      seen[s].value += click;
      seen[s].weight += 1;
      answers[arm].Add(click);
      if (old.weight > 0) {
        arms[arm].Replace(old, seen[s]);
      } else {
        arms[arm].Add(seen[s]);
      }
      ever =
          ever || !AlwaysValid(DifferenceOf(RatioMoments(arms[0]), RatioMoments(arms[1])), options)
                       .Holds(0);
      ever_by_answers =
          ever_by_answers || !AlwaysValid(DifferenceOf(answers[0], answers[1]), options).Holds(0);
    }
    wrong += ever ? 1 : 0;
    wrong_by_answers += ever_by_answers ? 1 : 0;
  }
  EXPECT_LE(wrong, kAtMost);
  EXPECT_GT(wrong_by_answers, kAtMost);  // what it is for
}

TEST(FixedHorizon, QuantilesAndP) {
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-10);
  EXPECT_NEAR(NormalQuantile(1e-9), -5.997807015, 1e-7);
  EXPECT_NEAR(NormalBelow(NormalQuantile(0.3)), 0.3, 1e-12);
  EXPECT_NEAR(FixedHorizonP({1.959963984540054, 1, 100, 100, 1}), 0.05, 1e-9);
  EXPECT_EQ(FixedHorizonP({1, 0, 100, 100, 1}), 1);
  EXPECT_NEAR(FixedHorizonInterval({2, 4, 100, 100, 1}, 0.05).low, 2 - 2 * 1.96, 1e-3);
}

}  // namespace
}  // namespace vitrine::rollout
