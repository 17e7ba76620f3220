// Weights of examples: what each model counts by them, against slow counts; and weights of one change no bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/als.h"
#include "train/models/bpr.h"
#include "train/models/item_knn.h"
#include "train/models/popularity.h"
#include "train/models/transitions.h"

namespace vitrine {
namespace {

using train::TrainableModel;
using train::TrainingSequences;

TrainingSequences Weighed(unsigned seed) {
  TrainingSequences sequences = RandomSequences(seed);
  std::mt19937 random(seed + 100);
  for (const History& history : sequences.users) {
    std::vector<float>& own = sequences.weights.emplace_back();
    for (std::size_t e = 0; e < history.size(); ++e) {
      own.push_back(static_cast<float>(random() % 5) / 2);  // some are 0
    }
  }
  return sequences;
}

double HeaviestOf(const TrainingSequences& s, std::size_t user, ItemIndex item) {
  double weight = 0;
  for (std::size_t e = 0; e < s.users[user].size(); ++e) {
    if (s.users[user][e].item == item) {
      weight = std::max(weight, double{s.weights[user][e]});
    }
  }
  return weight;
}

/// Scores for a history of `item` alone, natively and by the graph, which agree.
std::vector<double> ScoresAfter(const TrainableModel& model, std::int64_t item) {
  const std::vector<Tensor> asked = {
      Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{item}),
      Tensor::Of<std::int64_t>("age", {1, 1}, std::vector<std::int64_t>{0})};
  Tensor native;
  EXPECT_EQ(model.Score(asked, native), Status());
  const auto graph = LoadedForTest(model);
  std::vector<Tensor> served;
  EXPECT_EQ(graph->Run(asked, served), Status());
  EXPECT_EQ(native.dtype(), served[0].dtype());
  std::vector<double> scores;
  if (native.dtype() == DType::kFloat64) {
    const auto values = native.values<double>();
    EXPECT_TRUE(std::equal(values.begin(), values.end(), served[0].values<double>().begin()));
    scores.assign(values.begin(), values.end());
  } else {
    const auto values = native.values<float>();
    scores.assign(values.begin(), values.end());
  }
  return scores;
}

TEST(ExampleWeightsOfModels, PopularityAddsUpTheHeaviestOfEachUser) {
  const TrainingSequences sequences = Weighed(7);
  const auto model = train::MakePopularity({});
  ASSERT_TRUE(model->Fit(sequences, {}).ok());
  const std::vector<double> scores = ScoresAfter(*model, 5);
  for (ItemIndex item = kFirstItem; item < kWidth; ++item) {
    double slow = 0;
    for (std::size_t u = 0; u < sequences.users.size(); ++u) {
      slow += HeaviestOf(sequences, u, item);
    }
    EXPECT_NEAR(scores[item], slow, 1e-9) << item;
  }
}

TEST(ExampleWeightsOfModels, ItemKnnIsTheCosineOfWeightedUsers) {
  const TrainingSequences sequences = Weighed(7);
  for (const double decay : {1.0, 0.5}) {  // with and without ages
    const auto model = train::MakeItemKnn({.decay = decay});
    ASSERT_TRUE(model->Fit(sequences, {}).ok());
    for (const ItemIndex i : {ItemIndex{2}, ItemIndex{9}}) {
      const std::vector<double> scores = ScoresAfter(*model, i);
      for (ItemIndex j = kFirstItem; j < kWidth; ++j) {
        double both = 0;
        double with_i = 0;
        double with_j = 0;
        for (std::size_t u = 0; u < sequences.users.size(); ++u) {
          const double wi = HeaviestOf(sequences, u, i);
          const double wj = HeaviestOf(sequences, u, j);
          both += wi * wj;
          with_i += wi * wi;
          with_j += wj * wj;
        }
        const double slow = i == j || both == 0 ? 0 : both / std::sqrt(with_i * with_j);
        EXPECT_NEAR(scores[j], slow, 1e-6) << i << " " << j;
      }
    }
  }
}

TEST(ExampleWeightsOfModels, ATransitionWeighsAsItsLaterEvent) {
  const TrainingSequences sequences = Weighed(3);
  const auto model =
      train::MakeTransitions({.window = 1, .gap = 0, .backward = 0.5, .from_power = 0});
  ASSERT_TRUE(model->Fit(sequences, {}).ok());
  const ItemIndex from = 4;
  const std::vector<double> scores = ScoresAfter(*model, from);
  std::vector<double> slow(kWidth, 0);
  for (std::size_t u = 0; u < sequences.users.size(); ++u) {
    const History& history = sequences.users[u];
    for (std::size_t e = 1; e < history.size(); ++e) {
      const double weight = double{sequences.weights[u][e]};
      if (history[e - 1].item == from && history[e].item >= kFirstItem) {
        slow[history[e].item] += weight;
      }
      if (history[e].item == from && history[e - 1].item >= kFirstItem) {
        slow[history[e - 1].item] += 0.5 * weight;
      }
    }
  }
  for (ItemIndex j = kFirstItem; j < kWidth; ++j) {
    EXPECT_NEAR(scores[j], slow[j], 1e-5) << j;
  }
}

// The equations are linear in all weights: four times as heavy is the same where what is not there is, too.
TEST(ExampleWeightsOfModels, AlsSolvesItsEquationsWithTheWeights) {
  TrainingSequences sequences = RandomSequences(7);
  const auto plain = train::MakeAls({.factors = 8, .unobserved = 0.1, .iterations = 3});
  ASSERT_TRUE(plain->Fit(sequences, {.seed = 1}).ok());
  for (const History& history : sequences.users) {
    sequences.weights.emplace_back(history.size(), 4.0F);
  }
  const auto heavy = train::MakeAls({.factors = 8, .unobserved = 0.4, .iterations = 3});
  ASSERT_TRUE(heavy->Fit(sequences, {.seed = 1}).ok());
  const auto one = plain->ItemVectors();
  const auto four = heavy->ItemVectors();
  if (!one || !four) {
    FAIL() << "a dense model has item vectors";
  }
  for (std::size_t v = 0; v < one->values.size(); ++v) {
    EXPECT_NEAR(one->values[v], four->values[v], 1e-4) << v;
  }
}

/// Each of many takes item 2, then 3 and 4, which weigh so much.
TrainingSequences Fork(float three, float four) {
  TrainingSequences sequences;
  sequences.width = kFirstItem + 12;
  for (unsigned u = 0; u < 60; ++u) {
    const auto other = kFirstItem + 3 + static_cast<ItemIndex>(u % 9);
    sequences.users.push_back({{.item = 2}, {.item = u % 2 == 0 ? 3U : 4U}});
    sequences.weights.push_back({1, u % 2 == 0 ? three : four});
    sequences.users.push_back({{.item = other}, {.item = kFirstItem + 3 + (u + 4) % 9}});
    sequences.weights.push_back({1, 1});
  }
  return sequences;
}

TEST(ExampleWeightsOfModels, WhatIsHeavierComesFirst) {
  const std::vector<std::function<std::unique_ptr<TrainableModel>()>> models = {
      [] { return train::MakeTransitions({}); }, [] { return train::MakePopularity({}); },
      [] { return train::MakeAls({.factors = 8, .regularisation = 0.05}); },
      [] { return train::MakeBpr({.factors = 8, .epochs = 30}); }};
  for (std::size_t m = 0; m < models.size(); ++m) {
    for (const bool three : {true, false}) {
      const auto model = models[m]();
      ASSERT_TRUE(model->Fit(three ? Fork(4, 0.1F) : Fork(0.1F, 4), {.seed = 1}).ok());
      const std::vector<double> scores = ScoresAfter(*model, 2);
      EXPECT_EQ(scores[3] > scores[4], three) << "model " << m;
    }
  }
}

// A last event that weighs nothing might as well not be there.
TEST(ExampleWeightsOfModels, BprLearnsNothingOfATargetWithoutWeight) {
  TrainingSequences with = RandomSequences(5);
  TrainingSequences without = with;
  for (std::size_t u = 0; u < with.users.size(); ++u) {
    History& history = with.users[u];
    with.weights.emplace_back(history.size(), 1.0F);
    if (history.size() >= 2) {
      history.push_back({.item = 9});
      with.weights.back().push_back(0);
    }
  }
  const auto one = train::MakeBpr({.factors = 8, .epochs = 3});
  const auto two = train::MakeBpr({.factors = 8, .epochs = 3});
  ASSERT_TRUE(one->Fit(with, {.seed = 2}).ok());
  ASSERT_TRUE(two->Fit(without, {.seed = 2}).ok());
  const auto a = one->ItemVectors();
  const auto b = two->ItemVectors();
  if (!a || !b) {
    FAIL() << "a dense model has item vectors";
  }
  EXPECT_EQ(a->values, b->values);
}

// Where a model takes no other road for weights (item_knn does), ones give the very bits.
TEST(ExampleWeightsOfModels, OnesChangeNoBit) {
  const TrainingSequences plain = RandomSequences(11);
  TrainingSequences ones = plain;
  for (const History& history : ones.users) {
    ones.weights.emplace_back(history.size(), 1.0F);
  }
  const std::vector<std::function<std::unique_ptr<TrainableModel>()>> models = {
      [] { return train::MakePopularity({.half_life_days = 5}); },
      [] { return train::MakeTransitions({.half_life_days = 5}); },
      [] { return train::MakeItemKnn({.shrinkage = 1, .user_power = 0.5}); },
      [] { return train::MakeAls({.factors = 8, .iterations = 2}); },
      [] { return train::MakeBpr({.factors = 8, .epochs = 2}); }};
  for (std::size_t m = 0; m < models.size(); ++m) {
    const auto a = models[m]();
    const auto b = models[m]();
    ASSERT_TRUE(a->Fit(plain, {.seed = 3}).ok());
    ASSERT_TRUE(b->Fit(ones, {.seed = 3}).ok());
    for (const std::int64_t item : {2, 7, 20}) {
      EXPECT_EQ(ScoresAfter(*a, item), ScoresAfter(*b, item)) << "model " << m;
    }
  }
}

}  // namespace
}  // namespace vitrine
