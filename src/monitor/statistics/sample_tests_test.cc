// Tests of raw values against what they mean, written out slowly.
#include "monitor/statistics/sample_tests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

using Values = std::vector<double>;

/// The share of all ways to mix n and m distinct values whose D is at least d, each way tried.
double EveryOrder(double d, std::size_t n, std::size_t m) {
  std::vector<int> side(n + m, 0);
  std::fill(side.begin() + static_cast<std::ptrdiff_t>(n), side.end(), 1);
  double hits = 0;
  double ways = 0;
  do {
    double in_a = 0;
    double in_b = 0;
    double largest = 0;
    for (const int s : side) {
      (s == 0 ? in_a : in_b) += 1;
      largest = std::max(largest,
                         std::abs(in_a / static_cast<double>(n) - in_b / static_cast<double>(m)));
    }
    hits += largest >= d - 1e-12 ? 1 : 0;
    ways += 1;
  } while (std::next_permutation(side.begin(), side.end()));
  return hits / ways;
}

TEST(KolmogorovTwoSampleTest, ExactTailCountsEveryOrder) {
  for (const auto& [n, m] : {std::pair(5, 5), std::pair(4, 7), std::pair(9, 3), std::pair(1, 6)}) {
    const auto a = static_cast<std::size_t>(n);
    const auto b = static_cast<std::size_t>(m);
    for (int i = 1; i <= n * m; ++i) {
      const double d = static_cast<double>(i) / (n * m);
      EXPECT_NEAR(KolmogorovTwoSampleTail(d, a, b, KsMethod::kAuto), EveryOrder(d, a, b), 1e-12)
          << d << " of " << n << " and " << m;
    }
  }
}

TEST(KolmogorovTwoSampleTest, BothExactRoadsAgreeAndTheLimitIsNear) {
  for (const double h : {20.0, 45.0, 80.0}) {
    const double equal = KolmogorovTwoSampleTail(h / 400, 400, 400, KsMethod::kExact);
    const double nearly = KolmogorovTwoSampleTail(h / 400, 400, 401, KsMethod::kExact);
    EXPECT_LE(nearly, equal * 1.01) << h;
    EXPECT_GE(nearly, KolmogorovTwoSampleTail((h + 1) / 400, 400, 400, KsMethod::kExact)) << h;
    const double limit = KolmogorovTwoSampleTail(h / 400, 400, 400, KsMethod::kAsymptotic);
    EXPECT_NEAR(limit / equal, 1, 0.25) << h;
  }
  EXPECT_EQ(KolmogorovTwoSampleTail(0, 3, 3, KsMethod::kExact), 1);
  EXPECT_NEAR(KolmogorovTwoSampleTail(1, 3, 3, KsMethod::kExact), 2.0 / 20, 1e-15);
}

TEST(KolmogorovTwoSampleTest, FalseAlarmsOfTheExactTailStayAtTheirShare) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  constexpr int kRuns = 2000;
  int alarms = 0;
  for (int run = 0; run < kRuns; ++run) {
    Values a(60);
    Values b(45);
    for (double& x : a) x = normal(random);
    for (double& x : b) x = normal(random);
    alarms += KolmogorovSmirnov(a, b, KsMethod::kAuto).p_value <= 0.05 ? 1 : 0;
  }
  // 2,000 x 0.05 = 100; 140 or more have probability 6e-5. D has steps, so fewer are expected.
  EXPECT_LT(alarms, 140);
  EXPECT_GT(alarms, 50);
}

TEST(AscendingPairTest, EqualsTheWholeSamples) {
  const Values a = {1, 1, 2, 5};
  const Values b = {0, 2, 2};
  AscendingPair pair(4, 3);
  for (const auto& [value, in_a, in_b] : {std::tuple(0.0, 0, 1), std::tuple(1.0, 2, 0),
                                          std::tuple(2.0, 1, 2), std::tuple(5.0, 1, 0)}) {
    pair.Add(value, in_a, in_b);
  }
  EXPECT_NEAR(pair.ks(), KolmogorovSmirnov(a, b).statistic, 1e-15);
  EXPECT_NEAR(pair.wasserstein(), Wasserstein(a, b), 1e-15);
}

TEST(MannWhitneyTest, CountsPairsAndCorrectsForTies) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    Values a(2 + random() % 12);
    Values b(2 + random() % 12);
    for (double& x : a) x = static_cast<double>(random() % 6);
    for (double& x : b) x = static_cast<double>(random() % 7);
    double u = 0;
    for (const double x : a) {
      for (const double y : b) u += x > y ? 1 : x == y ? 0.5 : 0;
    }
    EXPECT_NEAR(MannWhitney(a, b).statistic, u, 1e-9);
  }
  // By hand: U = 8.5 of 9, ranks with one tie of two: variance 9 / 12 (7 - 6 / 30).
  const TestResult tied = MannWhitney(Values{3, 4, 5}, Values{1, 2, 3});
  EXPECT_NEAR(tied.statistic, 8.5, 1e-12);
  EXPECT_NEAR(tied.p_value, std::erfc(4 / std::sqrt(0.75 * 6.8) / std::sqrt(2.0)), 1e-12);
  EXPECT_EQ(MannWhitney(Values{1, 1}, Values{1}).p_value, 1);
  EXPECT_EQ(MannWhitney(Values{}, Values{1}).p_value, 1);
}

TEST(NormalQuantileTest, GoesBack) {
  for (const double p : {1e-9, 0.001, 0.3, 0.5, 0.975}) {
    EXPECT_NEAR(NormalBelow(NormalQuantile(p)) / p, 1, 1e-9);
  }
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-12);
}

}  // namespace
}  // namespace vitrine::monitor
