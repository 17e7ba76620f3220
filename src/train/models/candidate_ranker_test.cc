// Both rankers on lists whose right order is known.
#include "train/models/candidate_ranker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "train/models/boosted_ranker.h"
#include "train/models/linear_ranker.h"

namespace vitrine::train {
namespace {

/// 200 lists of 10 rows and 3 columns: noise; what decides; a constant of the list. What was taken is
/// the row whose middle column is largest below 0.8 (a rule that no weighted sum can tell) or, with
/// `straight`, largest.
RankExamples Lists(unsigned seed, bool straight) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0, 1);
  RankExamples examples;
  examples.columns = 3;
  for (int list = 0; list < 200; ++list) {
    const float constant = uniform(random);
    std::vector<float> deciding;
    for (int row = 0; row < 10; ++row) {
      deciding.push_back(uniform(random));
      examples.features.insert(examples.features.end(),
                               {uniform(random), deciding.back(), constant});
    }
    const auto worth = [&](float x) { return straight || x < 0.8F ? x : x - 1; };
    const auto best = std::max_element(deciding.begin(), deciding.end(),
                                       [&](float a, float b) { return worth(a) < worth(b); });
    for (int row = 0; row < 10; ++row) {
      examples.relevance.push_back(row == best - deciding.begin() ? 1.0F : 0.0F);
    }
    examples.sizes.push_back(10);
  }
  return examples;
}

double NdcgAtOne(const CandidateRanker& ranker, const RankExamples& examples) {
  std::vector<float> scores;
  for (std::size_t row = 0; row < examples.rows(); ++row) {
    scores.push_back(ranker.Score(examples.Row(row)));
    EXPECT_GE(double{scores.back()}, ranker.Least() - 1e-5);
  }
  return MeanNdcg(examples, scores, 1);
}

TEST(MeanNdcg, CountsEqualScoresInTheirOrder) {
  RankExamples examples;
  examples.relevance = {0, 1, 0, 1, 0};
  examples.sizes = {3, 2};
  const std::vector<float> scores = {1, 1, 0, 5, 1};
  EXPECT_DOUBLE_EQ(MeanNdcg(examples, scores, 1), 0.5);
  EXPECT_DOUBLE_EQ(MeanNdcg(examples, scores, 2), (1 / std::log2(3) + 1) / 2);
  EXPECT_EQ(MeanNdcg(RankExamples{}, {}, 2), 0);
}

TEST(BoostedRanker, EachObjectiveLearnsARuleThatNoSumCanTell) {
  const RankExamples examples = Lists(1, /*straight=*/false);
  const RankExamples fresh = Lists(2, /*straight=*/false);
  for (const char* objective : {"softmax", "ndcg", "pairwise"}) {
    BoostOptions options;
    options.objective = objective;
    options.rounds = 300;
    options.learning_rate = 0.1;
    options.min_child_weight = 0.1;
    options.lambda = 1;
    options.columns = 1;
    const Result<Boosted> boosted = Boost(examples, &fresh, options, {});
    ASSERT_TRUE(boosted.ok()) << boosted.status().ToString();
    // A weighted sum picks a row above 0.8 where there is one, which is nine lists in ten.
    EXPECT_GT(NdcgAtOne(boosted->trees, fresh), 0.6) << objective;
    EXPECT_EQ(boosted->trees.trees(), static_cast<std::size_t>(boosted->rounds)) << objective;
  }
}

TEST(BoostedRanker, EqualExamplesGiveEqualTreesAndTheSeedCounts) {
  const RankExamples examples = Lists(1, /*straight=*/true);
  BoostOptions options;
  options.rounds = 20;
  options.min_child_weight = 0.1;
  const auto first = Boost(examples, nullptr, options, {});
  const auto again = Boost(examples, nullptr, options, {});
  options.seed = 2;
  const auto other = Boost(examples, nullptr, options, {});
  ASSERT_TRUE(first.ok() && again.ok() && other.ok());
  bool differs = false;
  for (std::size_t row = 0; row < examples.rows(); ++row) {
    ASSERT_EQ(first->trees.Score(examples.Row(row)), again->trees.Score(examples.Row(row)));
    differs |= first->trees.Score(examples.Row(row)) != other->trees.Score(examples.Row(row));
  }
  EXPECT_TRUE(differs);
}

TEST(BoostedRanker, WatchedListsEndTheFit) {
  // What decides is shuffled among the watched lists: nothing is learnt there for long.
  const RankExamples examples = Lists(1, /*straight=*/true);
  RankExamples watched = Lists(2, /*straight=*/true);
  std::mt19937 random(3);
  std::shuffle(watched.features.begin(), watched.features.end(), random);
  BoostOptions options;
  options.patience = 5;
  options.min_child_weight = 0.1;
  const auto boosted = Boost(examples, &watched, options, {});
  ASSERT_TRUE(boosted.ok());
  EXPECT_LT(boosted->rounds, options.rounds - options.patience);
  EXPECT_EQ(boosted->trees.trees(), static_cast<std::size_t>(boosted->rounds));
}

TEST(BoostedRanker, StopsWhenAskedAndRefusesNothing) {
  std::stop_source stop;
  stop.request_stop();
  Progress progress;
  progress.stop = stop.get_token();
  EXPECT_EQ(Boost(Lists(1, true), nullptr, {}, progress).status().code(), Code::kCancelled);
  EXPECT_EQ(LinearRanker::Fit(Lists(1, true), 1, progress).status().code(), Code::kCancelled);
  EXPECT_EQ(Boost({}, nullptr, {}, {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(LinearRanker::Fit({}, 1, {}).status().code(), Code::kInvalidArgument);
}

TEST(LinearRanker, FindsTheColumnThatDecides) {
  const auto ranker = LinearRanker::Fit(Lists(1, /*straight=*/true), 0.1, {});
  ASSERT_TRUE(ranker.ok()) << ranker.status().ToString();
  EXPECT_GT(NdcgAtOne(*ranker, Lists(2, /*straight=*/true)), 0.95);
  ASSERT_EQ(ranker->weights().size(), 3U);
  EXPECT_GT(ranker->weights()[1], 10 * std::abs(ranker->weights()[0]));
  // A column that is the same all over a list says nothing of its order.
  EXPECT_NEAR(ranker->weights()[2], 0, 1e-6);
}

TEST(LinearRanker, IsWhereTheLikelihoodIsFlat) {
  // Slow: the derivative of the penalised likelihood by each weight, by small steps.
  const RankExamples examples = Lists(3, /*straight=*/false);
  const double penalty = 2;
  const auto ranker = LinearRanker::Fit(examples, penalty, {});
  ASSERT_TRUE(ranker.ok());
  std::vector<double> deviation(3, 0);
  for (std::size_t c = 0; c < 3; ++c) {
    double mean = 0;
    for (std::size_t r = 0; r < examples.rows(); ++r) mean += examples.Row(r)[c] / 2000.0;
    for (std::size_t r = 0; r < examples.rows(); ++r) {
      deviation[c] += std::pow(examples.Row(r)[c] - mean, 2) / 2000.0;
    }
    deviation[c] = std::sqrt(deviation[c]);
  }
  const auto value = [&](const std::vector<double>& weights) {
    double likelihood = 0;
    for (std::size_t list = 0; list < 200; ++list) {
      double sum = 0;
      double taken = 0;
      for (std::size_t r = list * 10; r < list * 10 + 10; ++r) {
        double score = 0;
        for (std::size_t c = 0; c < 3; ++c) score += weights[c] * examples.Row(r)[c];
        sum += std::exp(score);
        taken += examples.relevance[r] > 0 ? score : 0;
      }
      likelihood += taken - std::log(sum);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      likelihood -= penalty / 2 * std::pow(weights[c] * deviation[c], 2);
    }
    return likelihood;
  };
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<double> more = ranker->weights();
    std::vector<double> less = ranker->weights();
    more[c] += 1e-4;
    less[c] -= 1e-4;
    EXPECT_NEAR((value(more) - value(less)) / 2e-4, 0, 1e-3) << c;
  }
}

}  // namespace
}  // namespace vitrine::train
