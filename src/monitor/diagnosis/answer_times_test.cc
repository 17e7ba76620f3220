#include "monitor/diagnosis/answer_times.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {
namespace {

TEST(BatchMeans, MeanAndRowsAreThoseOfAllRows) {
  std::mt19937_64 random(3);
  std::exponential_distribution<double> draw(1000);
  BatchMeans means;
  double sum = 0;
  for (std::uint64_t rows = 1; rows <= 5000; ++rows) {
    const double value = draw(random);
    sum += value;
    means.Add({value, 2 * value, 0, 0, 0});
    if (rows % 499 == 0) {
      const MeanSample sample = means.Of(Stage::kWhole);
      EXPECT_EQ(sample.rows, rows);
      EXPECT_NEAR(sample.mean, sum / static_cast<double>(rows), 1e-12);
      EXPECT_NEAR(means.Of(Stage::kFeatures).mean, 2 * sample.mean, 1e-12);
      EXPECT_LT(sample.batches.value_or(1000), BatchMeans::kMostBatches);
    }
  }
}

// Rows that come one by one and rows of which only sums are known.
TEST(BatchMeans, SumsAreRows) {
  BatchMeans one;
  BatchMeans many;
  for (int i = 0; i < 640; ++i) {
    const double value = i % 7;
    one.Add({value, 0, 0, 0, 0});
    if (i % 16 == 15) {
      double sum = 0;
      for (int k = i - 15; k <= i; ++k) {
        sum += k % 7;
      }
      many.AddSums({sum, 0, 0, 0, 0}, 16);
    }
  }
  EXPECT_NEAR(one.Of(Stage::kWhole).mean, many.Of(Stage::kWhole).mean, 1e-12);
  EXPECT_NEAR(one.Of(Stage::kWhole).standard_error, many.Of(Stage::kWhole).standard_error, 1e-12);
}

// Times that wander: neighbours are alike, and the mean of a run says little of the next one. The error of
// independent rows would call most pairs different; that of batches holds.
TEST(BatchMeans, TimesThatWanderAreNotCalledSlower) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> step(0, 1);
  const auto run = [&](BatchMeans& means, double& squares) {
    double state = 10 * step(random);
    double sum = 0;
    for (int i = 0; i < 20'000; ++i) {
      state = 0.995 * state + step(random);
      const double value = 0.002 * std::exp(0.05 * state);
      sum += value;
      squares += value * value;
      means.Add({value, 0, 0, 0, 0});
    }
    squares = (squares / 20'000 - std::pow(sum / 20'000, 2)) / 20'000;
  };
  int naive = 0;
  int bad = 0;
  constexpr int kPairs = 500;
  for (int pair = 0; pair < kPairs; ++pair) {
    BatchMeans a;
    BatchMeans b;
    double squares_a = 0;
    double squares_b = 0;
    run(a, squares_a);
    run(b, squares_b);
    const MeanSample before = a.Of(Stage::kWhole);
    const MeanSample after = b.Of(Stage::kWhole);
    const double z = (after.mean - before.mean) / std::sqrt(squares_a + squares_b);
    naive += z > 0 && NormalP(z) < kSure ? 1 : 0;
    bad += Rose(before, after, 1) == Verdict::kBad ? 1 : 0;
  }
  EXPECT_GT(naive, kPairs / 10);
  EXPECT_LE(bad, 2);
}

TEST(AnswerTimes, StagesAddUpAndPositionsFollowFromLengths) {
  AnswerTimes times;
  for (int i = 0; i < 400; ++i) {
    times.Add({.whole = 0.004, .features = 0.001, .graph = 0.002});
    times.AddList(i % 2 == 0 ? 3 : 1);
  }
  times.AddList(500);
  VersionEvidence version;
  times.FillIn(version);
  if (!version.latency || !version.rest_seconds || !version.positions) {
    FAIL() << "a part is not known";
  }
  EXPECT_NEAR(version.rest_seconds->mean, 0.001, 1e-12);
  EXPECT_NEAR(version.latency->mean_seconds, 0.004, 1e-12);
  EXPECT_EQ(version.rest_seconds->rows, 400U);
  EXPECT_EQ((*version.positions)[0], 401U);
  EXPECT_EQ((*version.positions)[2], 201U);
  EXPECT_EQ((*version.positions)[63], 1U);
  EXPECT_FALSE(version.queue_seconds.has_value());

  VersionEvidence none;
  AnswerTimes().FillIn(none);
  EXPECT_FALSE(none.latency || none.positions);
}

}  // namespace
}  // namespace vitrine::monitor
