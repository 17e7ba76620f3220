// Schedule, histogram, window rule and capacity search against obvious oracles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "simulate/load/arrivals.h"
#include "simulate/load/capacity_search.h"
#include "simulate/load/latency_histogram.h"
#include "simulate/load/stability.h"

namespace vitrine::simulate {
namespace {

TEST(Arrivals, PoissonGapsAreExponential) {
  const auto arrivals = DrawArrivals(1000, 100 * kNanosPerSecond, Spacing::kPoisson, 3);
  ASSERT_TRUE(std::ranges::is_sorted(arrivals));
  EXPECT_LT(arrivals.back(), 100 * kNanosPerSecond);
  // 100,000 are expected; the deviation of their number is its root.
  EXPECT_NEAR(static_cast<double>(arrivals.size()), 100'000, 4 * std::sqrt(100'000));
  std::vector<double> gaps;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    gaps.push_back(static_cast<double>(arrivals[i] - arrivals[i - 1]) * 1e-6);
  }
  // Kolmogorov-Smirnov: the largest distance to 1 - exp(-gap); 1.95 / sqrt(n) is its 0.1 % bound.
  std::ranges::sort(gaps);
  const auto n = static_cast<double>(gaps.size());
  double distance = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double expected = -std::expm1(-gaps[i]);
    distance = std::max({distance, std::abs(expected - static_cast<double>(i) / n),
                         std::abs(expected - static_cast<double>(i + 1) / n)});
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(n));
}

TEST(Arrivals, FollowFromTheSeed) {
  const auto draw = [](std::uint64_t seed) {
    return DrawArrivals(500, kNanosPerSecond, Spacing::kPoisson, seed);
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Arrivals, ConstantOnesAreEvenlySpaced) {
  const auto arrivals = DrawArrivals(4, kNanosPerSecond, Spacing::kConstant, 1);
  EXPECT_EQ(arrivals, (std::vector<Nanos>{0, 250'000'000, 500'000'000, 750'000'000}));
}

/// The value of rank ceil(q n).
Nanos SortedQuantile(const std::vector<Nanos>& sorted, double q) {
  const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

TEST(LatencyHistogram, QuantilesAreThoseOfTheSortedTimes) {
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> spread(13, 3);  // from microseconds to minutes
  std::vector<Nanos> times = {0, 1, 2047, 2048, 2049, 4095, 4096, LatencyHistogram::kLongest};
  for (int i = 0; i < 50'000; ++i) {
    times.push_back(std::min(static_cast<Nanos>(spread(random)), LatencyHistogram::kLongest));
  }
  LatencyHistogram whole;
  LatencyHistogram odd;
  LatencyHistogram even;
  for (std::size_t i = 0; i < times.size(); ++i) {
    whole.Record(times[i]);
    (i % 2 == 0 ? even : odd).Record(times[i]);
  }
  even.Merge(odd);
  std::ranges::sort(times);
  for (const LatencyHistogram* histogram : {&whole, &even}) {
    for (const double q : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto expected = static_cast<double>(SortedQuantile(times, q));
      EXPECT_NEAR(static_cast<double>(histogram->Quantile(q)), expected,
                  expected * LatencyHistogram::kRelativeError + 0.5)
          << q;
    }
    EXPECT_EQ(histogram->count(), times.size());
    EXPECT_EQ(histogram->min(), 0);
    EXPECT_EQ(histogram->max(), LatencyHistogram::kLongest);
    const double mean =
        std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
    EXPECT_NEAR(histogram->mean(), mean, mean * 1e-9);
  }
}

TEST(LatencyHistogram, BucketsFollowEachOtherAndHoldWhatWasRecorded) {
  LatencyHistogram histogram;
  std::vector<Nanos> times;
  for (Nanos time = 1; time < LatencyHistogram::kLongest; time = time * 5 / 3 + 1) {
    times.push_back(time);
    histogram.Record(time);
  }
  std::size_t next = 0;
  Nanos last = 0;
  histogram.ForEach([&](Nanos begin, Nanos end, std::uint64_t count) {
    EXPECT_GE(begin, last);
    last = end;
    ASSERT_EQ(count, 1U);
    ASSERT_LT(next, times.size());
    EXPECT_LE(begin, times[next]);
    EXPECT_GT(end, times[next]);
    EXPECT_LE(end - begin, std::max<Nanos>(1, times[next] / 1024));
    ++next;
  });
  EXPECT_EQ(next, times.size());
}

TEST(LatencyHistogram, WhatNeverCameStandsBehindAllElse) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  for (int i = 0; i < 98; ++i) {
    histogram.Record(1000);
  }
  EXPECT_EQ(histogram.Quantile(0.99), 1000);
  EXPECT_EQ(histogram.Quantile(0.98, 2), 1000);
  EXPECT_EQ(histogram.Quantile(0.99, 2), LatencyHistogram::kNever);
  histogram.Record(-5);
  EXPECT_EQ(histogram.min(), 0);
}

TEST(Stability, TheLastWindowsMustAgreeInBoth) {
  const auto stable = [](const std::vector<WindowFigures>& all) { return Stable(all); };
  EXPECT_FALSE(stable({{100, 1}, {100, 1}}));
  EXPECT_TRUE(stable({{100, 1}, {100, 1}, {109, 1.09}}));
  EXPECT_FALSE(stable({{100, 1}, {100, 1}, {111, 1}}));
  EXPECT_FALSE(stable({{100, 1}, {100, 1.11}, {100, 1}}));
  EXPECT_TRUE(stable({{10, 9}, {100, 1}, {105, 1.05}, {95.5, 0.96}}));
  EXPECT_FALSE(stable({{100, 1}, {94, 0.95}, {105, 1}}));  // each near its neighbour, not all
  EXPECT_FALSE(stable({{0, 0}, {0, 0}, {0, 0}}));
}

/// p99 of a queue at this rate, in ms: grows without bound towards 2,000 a second.
double Curve(double rate) { return rate >= 2000 ? 1e9 : 1 / (1 - rate / 2000); }

TEST(CapacitySearch, FindsTheHighestRateOfACurveFromBothSides) {
  // Curve(rate) <= 8 up to 1,750.
  for (const double first : {1.0, 100.0, 1600.0, 2500.0, 100'000.0}) {
    for (const double resolution : {0.2, 0.05, 0.01}) {
      CapacitySearch search({.first = first, .resolution = resolution});
      int steps = 0;
      while (const auto rate = search.next()) {
        search.Tell(Curve(*rate) <= 8);
        ASSERT_LT(++steps, 60);
      }
      EXPECT_LE(search.holds(), 1750);
      EXPECT_GT(search.fails(), 1750);
      EXPECT_LE(search.fails(), search.holds() * (1 + resolution));
    }
  }
}

TEST(CapacitySearch, EndsAtItsBounds) {
  CapacitySearch everything({.first = 100, .highest = 1000});
  while (everything.next()) {
    everything.Tell(true);
  }
  EXPECT_EQ(everything.holds(), 1000);
  EXPECT_EQ(everything.fails(), 0);
  CapacitySearch nothing({.first = 100, .lowest = 10});
  while (nothing.next()) {
    nothing.Tell(false);
  }
  EXPECT_EQ(nothing.holds(), 0);
  EXPECT_EQ(nothing.fails(), 10);
}

}  // namespace
}  // namespace vitrine::simulate
