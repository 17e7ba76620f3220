// Examination against click logs whose examination is known, and the estimate against a plain search.
#include "feedback/position_bias.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>

namespace vitrine::feedback {
namespace {

constexpr std::size_t kPlaces = 8;

double Examined(std::size_t place) {
  return std::pow(1.0 / (1.0 + static_cast<double>(place)), 0.8);
}

/// Shoppers with tastes of their own look at lists ordered by what they would like, more or less.
struct World {
  std::size_t shoppers = 300;
  std::size_t items = 24;
  std::size_t answers = 25;  ///< each
  double taste = 1;          ///< 0: all like the same
  double noise = 0.15;       ///< of the order, in units of liking; infinite: drawn at random

  [[nodiscard]] std::vector<Example> Simulate(unsigned seed) const {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> unit(0, 1);
    std::vector<double> quality(items);
    for (double& q : quality) {
      q = 0.1 + 0.5 * unit(engine);
    }
    std::vector<Example> examples;
    for (std::size_t u = 0; u < shoppers; ++u) {
      std::vector<double> liked(items);
      for (std::size_t i = 0; i < items; ++i) {
        liked[i] = quality[i] * (1 - taste * 0.8 * unit(engine));
      }
      for (std::size_t a = 0; a < answers; ++a) {
        AddAnswer(u, a, liked, engine, examples);
      }
    }
    return examples;
  }

 private:
  void AddAnswer(std::size_t shopper, std::size_t answer, const std::vector<double>& liked,
                 std::mt19937& engine, std::vector<Example>& examples) const {
    std::uniform_real_distribution<double> unit(0, 1);
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t i = 0; i < items; ++i) {
      const double drawn = unit(engine);
      order.emplace_back(std::isinf(noise) ? drawn : liked[i] + noise * drawn, i);
    }
    std::sort(order.rbegin(), order.rend());
    for (std::size_t p = 0; p < kPlaces; ++p) {
      Example example;
      example.request_id = "r" + std::to_string(shopper) + "." + std::to_string(answer);
      example.subject = "u" + std::to_string(shopper);
      example.item_id = "i" + std::to_string(order[p].second);
      example.position = static_cast<std::int32_t>(p);
      example.clicked = unit(engine) < Examined(p) * liked[order[p].second];
      examples.push_back(example);
    }
  }
};

struct Coverage {
  int inside = 0;
  int all = 0;
  double width = 0;  // of the intervals, mean
};

Coverage CoverageOf(const World& world, BiasContext context) {
  Coverage coverage;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const auto bias = EstimatePositionBias(
        world.Simulate(seed), {.context = context, .places = static_cast<std::int32_t>(kPlaces)});
    EXPECT_TRUE(bias.ok()) << bias.status().ToString();
    for (std::size_t p = 1; bias.ok() && p < kPlaces; ++p) {
      const PlaceExamination& place = bias->places[p];
      EXPECT_TRUE(place.known) << p;
      coverage.inside += place.low <= Examined(p) && Examined(p) <= place.high ? 1 : 0;
      coverage.width += (place.high - place.low) / (12 * (kPlaces - 1));
      ++coverage.all;
    }
  }
  return coverage;
}

// Of 84 intervals of 95 %, about 80 hold the truth; those of one log move together, so that some more may miss it at a
// time.
constexpr int kFewest = 70;

TEST(PositionBias, OfPersonalAnswersLiesInItsIntervals) {
  const Coverage coverage = CoverageOf({}, BiasContext::kShopperItem);
  EXPECT_GE(coverage.inside, kFewest) << "of " << coverage.all;
  EXPECT_LT(coverage.width, 0.1);  // and they say something
}

TEST(PositionBias, OfAnswersThatAreEverybodysLiesInItsIntervals) {
  const Coverage coverage = CoverageOf({.taste = 0, .noise = 0.3}, BiasContext::kItem);
  EXPECT_GE(coverage.inside, kFewest) << "of " << coverage.all;
  EXPECT_LT(coverage.width, 0.1);
}

TEST(PositionBias, OfDrawnPlacesLiesInItsIntervals) {
  const Coverage coverage = CoverageOf({.noise = INFINITY}, BiasContext::kRandomised);
  EXPECT_GE(coverage.inside, kFewest) << "of " << coverage.all;
  EXPECT_LT(coverage.width, 0.1);
}

// What is liked stands above: click rates fall faster than looks do, and so does what ignores who asks.
TEST(PositionBias, ClickRatesAloneAndTheWrongContextMissIt) {
  EXPECT_LT(CoverageOf({}, BiasContext::kRandomised).inside, kFewest / 4);
  EXPECT_LT(CoverageOf({}, BiasContext::kItem).inside, kFewest / 4);
}

Example Shown(const std::string& item, std::int32_t position, bool clicked,
              const std::string& subject = "u") {
  Example example;
  example.subject = subject;
  example.item_id = item;
  example.position = position;
  example.clicked = clicked;
  return example;
}

// The likelihood over a fine grid: contexts of two places, shown unequally often.
TEST(PositionBias, IsTheMostLikelyOne) {
  std::vector<Example> examples;
  std::vector<std::array<double, 4>>
      contexts;  // shown and clicked at the first place, at the second
  std::mt19937 engine(4);
  for (int c = 0; c < 40; ++c) {
    std::array<double, 4> counts{};
    for (std::int32_t place = 0; place < 2; ++place) {
      const std::size_t shown = 1 + engine() % 5;
      for (std::size_t s = 0; s < shown; ++s) {
        const bool clicked = engine() % 3 == 0;
        examples.push_back(Shown("i" + std::to_string(c), place, clicked));
        counts[static_cast<std::size_t>(place) * 2] += 1;
        counts[static_cast<std::size_t>(place) * 2 + 1] += clicked ? 1 : 0;
      }
    }
    contexts.push_back(counts);
  }
  double best = -INFINITY;
  double most_likely = 0;
  for (double log = -2; log < 2; log += 1e-4) {
    double likelihood = 0;
    for (const auto& [shown0, clicks0, shown1, clicks1] : contexts) {
      const double sum = shown0 + shown1 * std::exp(log);
      likelihood +=
          clicks0 * std::log(shown0 / sum) + clicks1 * std::log(shown1 * std::exp(log) / sum);
    }
    if (likelihood > best) {
      best = likelihood;
      most_likely = log;
    }
  }
  const auto bias = EstimatePositionBias(examples, {.places = 2});
  ASSERT_TRUE(bias.ok()) << bias.status().ToString();
  EXPECT_NEAR(std::log(bias->places[1].relative), most_likely, 1e-4);
}

TEST(PositionBias, APlaceThatNothingTellsIsNotKnown) {
  std::vector<Example> examples;
  for (int i = 0; i < 40; ++i) {
    const std::string item = "i" + std::to_string(i);
    examples.push_back(Shown(item, 0, i % 2 == 0));
    examples.push_back(Shown(item, 1, i % 4 == 0));
    // Places 3 and 4 share items with each other, with the first they share none.
    examples.push_back(Shown("other" + item, 3, true));
    examples.push_back(Shown("other" + item, 4, i % 2 == 0));
    if (i < 5) {
      examples.push_back(Shown(item, 5, true));  // clicked five times alone
    }
  }
  const auto bias = EstimatePositionBias(examples, {.places = 7});
  ASSERT_TRUE(bias.ok()) << bias.status().ToString();
  EXPECT_NEAR(bias->places[1].relative, 0.5, 0.2);
  EXPECT_TRUE(bias->places[1].known);
  for (std::size_t p = 2; p < 7; ++p) {
    EXPECT_FALSE(bias->places[p].known) << p;
  }
  EXPECT_EQ(bias->RelativeAt(0), 1);
  EXPECT_EQ(bias->RelativeAt(4), bias->places[1].relative);
  EXPECT_EQ(bias->RelativeAt(400), bias->places[1].relative);
}

TEST(PositionBias, SaysWhatIsMissing) {
  std::vector<Example> examples;
  for (int i = 0; i < 100; ++i) {
    examples.push_back(Shown("i" + std::to_string(i), i % 3, true));
  }
  const Status none = EstimatePositionBias(examples, {}).status();
  EXPECT_EQ(none.code(), Code::kFailedPrecondition);
  EXPECT_NE(none.message().find("swap places at random"), std::string::npos);
  EXPECT_EQ(EstimatePositionBias({}, {}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(EstimatePositionBias(examples, {.places = 1}).status().code(), Code::kInvalidArgument);
  // The same item to two shoppers is two contexts; of nobody it is none.
  examples.clear();
  for (int i = 0; i < 40; ++i) {
    examples.push_back(Shown("x", i % 2, true, "u" + std::to_string(i)));
    examples.push_back(Shown("y", i % 2, true, ""));
  }
  EXPECT_FALSE(EstimatePositionBias(examples, {}).ok());
  EXPECT_TRUE(EstimatePositionBias(examples, {.context = BiasContext::kItem}).ok());
}

TEST(PropensityWeightsTest, AreInverseAndClipped) {
  PositionBias bias;
  bias.places = {
      {.known = true}, {.relative = 0.5, .known = true}, {.relative = 0.1, .known = true}};
  const std::vector<Example> examples = {Shown("a", 0, true), Shown("b", 1, true),
                                         Shown("c", 1, false), Shown("d", 2, true),
                                         Shown("e", 9, true)};
  const PropensityWeights made = WeighByPropensity(examples, bias, 8);
  EXPECT_EQ(made.weights, (std::vector<float>{1, 2, 1, 8, 8}));
  EXPECT_EQ(made.clipped, 2U);
  EXPECT_NEAR(made.effective, 19.0 * 19 / (1 + 4 + 64 + 64), 1e-9);
}

// Weighed clicks tell the better item, which stood further down, from the worse one.
TEST(PropensityWeightsTest, SetRightWhatPlacesTurnedRound) {
  std::mt19937 engine(9);
  std::uniform_real_distribution<double> unit(0, 1);
  std::vector<Example> examples;
  for (int i = 0; i < 20'000; ++i) {
    examples.push_back(Shown("worse", 0, unit(engine) < Examined(0) * 0.05));
    examples.push_back(Shown("better", 5, unit(engine) < Examined(5) * 0.08));
  }
  PositionBias bias;
  for (std::size_t p = 0; p < kPlaces; ++p) {
    bias.places.push_back({.relative = Examined(p), .known = true});
  }
  const PropensityWeights made = WeighByPropensity(examples, bias, 10);
  std::array<double, 2> odds{};
  std::array<double, 2> plain{};
  for (std::size_t e = 0; e < examples.size(); ++e) {
    const std::size_t which = examples[e].item_id == "better" ? 1 : 0;
    odds.at(which) += examples[e].clicked ? double{made.weights[e]} : 0;
    plain.at(which) += examples[e].clicked ? 1 : 0;
  }
  EXPECT_LT(plain[1], plain[0]);
  EXPECT_NEAR(odds[0] / 20'000, 0.05, 0.006);
  EXPECT_NEAR(odds[1] / 20'000, 0.08, 0.012);
}

}  // namespace
}  // namespace vitrine::feedback
