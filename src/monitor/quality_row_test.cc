#include "monitor/quality_row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace vitrine::monitor {
namespace {

using Groups = std::array<ShopperGroup, kShopperGroups>;

/// Shoppers of their own tastes: `spread` 0 makes each answer a coin of its own.
Groups Draw(std::mt19937& random, double rate, double spread, int shoppers) {
  Groups groups{};
  std::normal_distribution<double> taste(rate, std::max(1e-12, spread));
  std::uniform_real_distribution<double> coin(0, 1);
  for (int s = 0; s < shoppers; ++s) {
    const double own = std::clamp(taste(random), 0.0, 1.0);
    ShopperGroup& group = groups[random() % kShopperGroups];
    for (auto n = 1 + random() % 40; n > 0; --n) {
      ++group.answers;
      group.clicked += coin(random) < own ? 1U : 0U;
    }
  }
  return groups;
}

/// Share of 1,000 draws whose interval holds the true rate.
template <typename Interval>
double Coverage(double rate, double spread, Interval&& interval) {
  std::mt19937 random(7);
  int held = 0;
  for (int i = 0; i < 1000; ++i) {
    const MetricValue value = interval(Draw(random, rate, spread, 200));
    held += value.low <= rate && rate <= value.high ? 1 : 0;
  }
  return held / 1000.0;
}

MetricValue Plain(const Groups& groups) {
  std::uint64_t hits = 0;
  std::uint64_t answers = 0;
  for (const ShopperGroup& group : groups) {
    hits += group.clicked;
    answers += group.answers;
  }
  return WilsonInterval(hits, answers);
}

MetricValue Clustered(const Groups& groups) {
  return ClusteredShare(groups, &ShopperGroup::clicked);
}

TEST(ClusteredShare, HoldsTheTruthWhereShoppersDiffer) {
  EXPECT_GE(Coverage(0.5, 0.15, Clustered), 0.93);
  EXPECT_LT(Coverage(0.5, 0.15, Plain), 0.85) << "answers taken for independent say too much";
}

TEST(ClusteredShare, IsNotTooWideWhereTheyDoNot) {
  const double coverage = Coverage(0.3, 0, Clustered);
  EXPECT_GE(coverage, 0.94);
  EXPECT_LE(coverage, 0.99);
}

TEST(ClusteredShare, OfFewShoppersIsWilsonsAndOfNoneNothing) {
  Groups groups{};
  EXPECT_EQ(Clustered(groups).mean, 0);
  groups[3] = {.answers = 10, .clicked = 4, .bought = 0};
  const MetricValue few = Clustered(groups);
  const MetricValue wilson = WilsonInterval(4, 10);
  EXPECT_EQ(few.low, wilson.low);
  EXPECT_EQ(few.high, wilson.high);
  for (ShopperGroup& group : groups) {
    group = {.answers = 10, .clicked = 0, .bought = 0};
  }
  EXPECT_GT(Clustered(groups).high, 0) << "no click among many is not certainly none ever";
}

TEST(AddCounts, IsTheCountOfBoth) {
  QualityCounts a;
  a.answers = 3;
  a.labels[0].recall = {1, 2};
  a.labels[0].ndcg = {0.5, 0.5};
  a.groups[1].answers = 3;
  QualityCounts sum;
  AddCounts(sum, a);
  AddCounts(sum, a);
  EXPECT_EQ(sum.answers, 6U);
  EXPECT_EQ(sum.labels[0].recall, (std::vector<double>{2, 4}));
  EXPECT_EQ(sum.groups[1].answers, 6U);
}

}  // namespace
}  // namespace vitrine::monitor
