#include "rollout/moments.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "rollout/draws_testing.h"

namespace vitrine::rollout {
namespace {

/// The slow way: two passes over what is kept.
JointMoments TwoPasses(const std::vector<Unit>& units) {
  JointMoments sums;
  sums.n = static_cast<double>(units.size());
  for (const Unit& unit : units) {
    sums.value += unit.value / sums.n;
    sums.weight += unit.weight / sums.n;
    sums.before += unit.before / sums.n;
  }
  for (const Unit& unit : units) {
    const double v = unit.value - sums.value;
    const double w = unit.weight - sums.weight;
    const double b = unit.before - sums.before;
    sums.value_value += v * v;
    sums.value_weight += v * w;
    sums.value_before += v * b;
    sums.weight_weight += w * w;
    sums.weight_before += w * b;
    sums.before_before += b * b;
  }
  return sums;
}

void ExpectSame(const JointMoments& got, const JointMoments& want) {
  EXPECT_DOUBLE_EQ(got.n, want.n);
  EXPECT_NEAR(got.value, want.value, 1e-9);
  EXPECT_NEAR(got.weight, want.weight, 1e-9);
  EXPECT_NEAR(got.before, want.before, 1e-9);
  EXPECT_NEAR(got.value_value, want.value_value, 1e-6);
  EXPECT_NEAR(got.value_weight, want.value_weight, 1e-6);
  EXPECT_NEAR(got.value_before, want.value_before, 1e-6);
  EXPECT_NEAR(got.weight_weight, want.weight_weight, 1e-6);
  EXPECT_NEAR(got.weight_before, want.weight_before, 1e-6);
  EXPECT_NEAR(got.before_before, want.before_before, 1e-6);
}

Unit RandomUnit(TestDraws& draws) {
  return {3 + draws.Normal(), 10 * draws.Uniform(), 100 + draws.Normal()};
}

TEST(JointMoments, AddingAndReplacingIsTwoPassesOverWhatIsLeft) {
  TestDraws draws(1);
  std::vector<Unit> units;
  JointMoments sums;
  for (int i = 0; i < 200; ++i) {
    units.push_back(RandomUnit(draws));
    sums.Add(units.back());
  }
  ExpectSame(sums, TwoPasses(units));
  for (int i = 0; i < 5000; ++i) {
    Unit& unit = units[static_cast<std::size_t>(draws.Uniform() * 200)];
    const Unit old = unit;
    unit = RandomUnit(draws);
    sums.Replace(old, unit);
  }
  ExpectSame(sums, TwoPasses(units));
}

TEST(JointMoments, MergedHalvesAreTheWhole) {
  TestDraws draws(2);
  std::vector<Unit> units;
  JointMoments first;
  JointMoments second;
  for (int i = 0; i < 90; ++i) {
    units.push_back(RandomUnit(draws));
    (i < 30 ? first : second).Add(units.back());
  }
  first.Merge(JointMoments{});
  JointMoments whole;
  whole.Merge(first);
  whole.Merge(second);
  ExpectSame(whole, TwoPasses(units));
}

TEST(JointMoments, EffectiveHitsOfYesAndNoAreTheYeses) {
  JointMoments sums;
  for (int i = 0; i < 500; ++i) {
    sums.Add({i % 50 == 0 ? 1.0 : 0.0});
  }
  EXPECT_NEAR(sums.EffectiveHits(), 10, 1e-9);
  sums.Add({100});  // one whale and ten of one: (110)^2 / (10 + 10,000)
  EXPECT_NEAR(sums.EffectiveHits(), 110.0 * 110 / 10'010, 1e-9);
  EXPECT_EQ(JointMoments{}.EffectiveHits(), 0);
}

TEST(Moments, AddAndMergeAreTwoPasses) {
  TestDraws draws(3);
  Moments first;
  Moments second;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 100; ++i) {
    const double x = draws.Normal();
    (i < 37 ? first : second).Add(x);
    sum += x;
    squares += x * x;
  }
  first.Merge(second);
  EXPECT_DOUBLE_EQ(first.n, 100);
  EXPECT_NEAR(first.mean, sum / 100, 1e-12);
  EXPECT_NEAR(first.Variance(), (squares - sum * sum / 100) / 99, 1e-12);
}

}  // namespace
}  // namespace vitrine::rollout
