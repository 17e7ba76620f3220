#include "evaluate/bootstrap.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "evaluate/catalogue_metrics.h"

namespace vitrine::evaluate {
namespace {

TEST(BootstrapTest, NormalMeansHaveTheTextbookInterval) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal(3, 2);
  std::vector<double> rows(5000);
  double sum = 0;
  double squares = 0;
  for (double& x : rows) {
    x = normal(random);
    sum += x;
    squares += x * x;
  }
  const double n = 5000;
  const double mean = sum / n;
  const double error = std::sqrt((squares / n - mean * mean) / n);
  const auto v = BootstrapMeans(rows, 1, {.seed = 4, .resamples = 4000, .confidence = 0.95}).at(0);
  EXPECT_NEAR(v.mean, mean, 1e-12);
  EXPECT_NEAR(v.low, mean - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(v.high, mean + 1.96 * error, 0.15 * error);
}

TEST(BootstrapTest, SkippingZeroRowsChangesNothing) {
  std::mt19937 random(2);
  std::vector<double> rows;
  std::vector<double> shifted;  // the same without any zero row
  for (int i = 0; i < 400; ++i) {
    const double x = random() % 10 == 0 ? 1 : 0;
    rows.insert(rows.end(), {x, 2 * x});
    shifted.insert(shifted.end(), {x + 1, 2 * x + 1});
  }
  const auto a = BootstrapMeans(rows, 2, {});
  const auto b = BootstrapMeans(shifted, 2, {});
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(a[c].mean, b[c].mean - 1, 1e-12);
    EXPECT_NEAR(a[c].low, b[c].low - 1, 1e-12);
    EXPECT_NEAR(a[c].high, b[c].high - 1, 1e-12);
  }
  EXPECT_NEAR(a[1].low, 2 * a[0].low, 1e-12) << "columns share the resample";
  EXPECT_LT(a[0].low, a[0].mean);
}

TEST(BootstrapTest, SeedDecides) {
  std::vector<double> rows;
  for (int i = 0; i < 100; ++i) rows.push_back(i % 7);
  const auto a = BootstrapMeans(rows, 1, {.seed = 1});
  const auto b = BootstrapMeans(rows, 1, {.seed = 1});
  const auto c = BootstrapMeans(rows, 1, {.seed = 2});
  EXPECT_EQ(a[0].low, b[0].low);
  EXPECT_NE(a[0].low, c[0].low);
}

TEST(BootstrapTest, OneRowAndNoneAreThemselves) {
  const std::vector<double> one = {4.0};
  const auto v = BootstrapMeans(one, 1, {}).at(0);
  EXPECT_EQ(v.low, 4);
  EXPECT_EQ(v.high, 4);
  EXPECT_EQ(BootstrapMeans({}, 1, {}).at(0).mean, 0);
}

TEST(CatalogueMetricsTest, HandWorked) {
  const std::vector<std::uint64_t> even = {2, 2, 2, 2};
  const std::vector<std::uint64_t> one = {0, 0, 0, 8};
  EXPECT_EQ(Coverage(even), 1);
  EXPECT_EQ(Coverage(one), 0.25);
  EXPECT_NEAR(Gini(even), 0, 1e-12);
  EXPECT_NEAR(Gini(one), 0.75, 1e-12);
  const std::vector<std::uint64_t> known = {3, 0, 0, 1};
  EXPECT_NEAR(Novelty(one, known, 7), 2, 1e-12);  // -log2(2 / 8)
  EXPECT_EQ(Novelty(std::vector<std::uint64_t>(4), known, 7), 0);
}

TEST(CatalogueMetricsTest, GiniEqualsTheMeanDifferenceOracle) {
  std::mt19937 random(8);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint64_t> x;
    double sum = 0;
    for (int i = 0; i < 30; ++i) {
      x.push_back(random() % 9);
      sum += static_cast<double>(x.back());
    }
    double differences = 0;
    for (const auto a : x) {
      for (const auto b : x) {
        differences += std::abs(static_cast<double>(a) - static_cast<double>(b));
      }
    }
    EXPECT_NEAR(Gini(x), differences / (2 * 30 * sum), 1e-12);
  }
}

}  // namespace
}  // namespace vitrine::evaluate
