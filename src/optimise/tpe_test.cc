#include "optimise/tpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace vitrine::optimise {
namespace {

SearchSpace Space() {
  return *SearchSpace::Make({{"x", Range{0, 1}},
                             {"y", Range{0, 1}},
                             {"z", Range{0, 1}},
                             {"kind", Choices{std::int64_t{0}, std::int64_t{1}, std::int64_t{2}}}});
}

/// Its hill stands at (.3, .7, .5) and is half as high where the kind is not 1.
double Hill(const Point& p) {
  const double off = std::pow(p[0] - 0.3, 2) + std::pow(p[1] - 0.7, 2) + std::pow(p[2] - 0.5, 2);
  return std::exp(-8 * off) * (p[3] == 1 ? 1 : 0.5);
}

double BestOf(bool guided, std::uint64_t seed, std::size_t trials) {
  const SearchSpace space = Space();
  std::vector<Tried> tried;
  double best = 0;
  for (std::size_t t = 0; t < trials; ++t) {
    const std::uint64_t one = seed * 1000 + t;
    const Point point = guided ? NextPoint(space, tried, one) : RandomPoint(space, one);
    tried.push_back({point, Hill(point)});
    best = std::max(best, tried.back().value);
  }
  return best;
}

TEST(Tpe, FindsMoreThanChanceWithAsManyTrials) {
  int wins = 0;
  double guided_sum = 0;
  double random_sum = 0;
  constexpr int kSeeds = 40;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const double guided = BestOf(true, static_cast<std::uint64_t>(seed), 40);
    const double random = BestOf(false, static_cast<std::uint64_t>(seed), 40);
    wins += guided > random ? 1 : 0;
    guided_sum += guided;
    random_sum += random;
  }
  EXPECT_GE(wins, 30) << guided_sum / kSeeds << " against " << random_sum / kSeeds;
  EXPECT_GT(guided_sum / kSeeds, random_sum / kSeeds + 0.08);
}

TEST(Tpe, TheSameSeedGivesTheSamePointWithinTheSpace) {
  const SearchSpace space = Space();
  std::vector<Tried> tried;
  for (std::uint64_t t = 0; t < 60; ++t) {
    const Point point = NextPoint(space, tried, t);
    EXPECT_EQ(NextPoint(space, tried, t), point);
    for (std::size_t d = 0; d < 3; ++d) {
      EXPECT_GE(point[d], 0);
      EXPECT_LE(point[d], 1);
    }
    EXPECT_TRUE(point[3] == 0 || point[3] == 1 || point[3] == 2);
    tried.push_back({point, 1.0});  // all equal: nothing to learn, nothing to break
  }
}

}  // namespace
}  // namespace vitrine::optimise
