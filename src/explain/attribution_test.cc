#include "explain/attribution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace vitrine::explain {
namespace {

using Value = std::function<double(const History&, ItemIndex target)>;

class FakeScorer final : public Scorer {
 public:
  FakeScorer(std::size_t width, Value value) : width_(width), value_(std::move(value)) {}
  [[nodiscard]] std::size_t width() const override { return width_; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    largest_batch = std::max(largest_batch, histories.size());
    ++calls;
    scores.clear();
    for (const History& history : histories) {
      for (std::size_t item = 0; item < width_; ++item) {
        scores.push_back(value_(history, static_cast<ItemIndex>(item)));
      }
    }
    return Status::Ok();
  }
  mutable std::size_t largest_batch = 0;
  mutable int calls = 0;

 private:
  std::size_t width_;
  Value value_;
};

History Of(const std::vector<ItemIndex>& items) {
  History history;
  for (const ItemIndex item : items) {
    history.push_back({.item = item, .ts = Micros{static_cast<std::int64_t>(history.size())}});
  }
  return history;
}

double Additive(const History& history, ItemIndex target) {
  double score = 0.25 * target;
  for (std::size_t place = 0; place < history.size(); ++place) {
    if (history[place].item >= kFirstItem) {
      score += std::sin(history[place].item * 7 + target) / static_cast<double>(place + 1);
    }
  }
  return score;
}

// Places share a softmax, as attention does: taking one away raises the others.
double Attentive(const History& history, ItemIndex target) {
  double total = 1;  // what the empty history attends to
  double sum = 0.1 * target;
  for (const HistoryEvent& event : history) {
    if (event.item >= kFirstItem) {
      const double weight = std::exp(std::cos(event.item * 3.0));
      total += weight;
      sum += weight * std::sin(event.item * 5.0 + target);
    }
  }
  return sum / total;
}

// Shapley values by their definition: every permutation.
std::vector<double> Oracle(const Value& value, const History& history, ItemIndex target) {
  std::vector<std::size_t> order(history.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<double> parts(history.size(), 0);
  double permutations = 0;
  do {
    History variant = history;
    for (HistoryEvent& event : variant) {
      event.item = kPaddingItem;
    }
    double before = value(variant, target);
    for (const std::size_t place : order) {
      variant[place].item = history[place].item;
      const double after = value(variant, target);
      parts[place] += after - before;
      before = after;
    }
    ++permutations;
  } while (std::next_permutation(order.begin(), order.end()));
  for (double& part : parts) {
    part /= permutations;
  }
  return parts;
}

void ExpectSums(const Attribution& attribution) {
  for (std::size_t t = 0; t < attribution.score.size(); ++t) {
    const auto& parts = attribution.contributions[t];
    const double sum = std::accumulate(parts.begin(), parts.end(), attribution.base[t]);
    EXPECT_NEAR(sum, attribution.score[t], 1e-12) << "target " << t;
  }
}

const std::vector<ItemIndex> kTargets = {2, 5, 9};

TEST(Attribute, AnAdditiveModelIsExactInOnePass) {
  const FakeScorer scorer(12, Additive);
  const History history = Of({4, 7, 3, 11, 7, 2});
  const auto attribution = Attribute(scorer, history, kTargets);
  ASSERT_TRUE(attribution.ok());
  EXPECT_EQ(attribution->method, Method::kAdditive);
  EXPECT_EQ(attribution->scored, history.size() + 2);
  EXPECT_EQ(scorer.calls, 1);
  ExpectSums(*attribution);
  for (std::size_t t = 0; t < kTargets.size(); ++t) {
    EXPECT_DOUBLE_EQ(attribution->base[t], 0.25 * kTargets[t]);
    for (std::size_t place = 0; place < history.size(); ++place) {
      const double want =
          std::sin(history[place].item * 7 + kTargets[t]) / static_cast<double>(place + 1);
      EXPECT_NEAR(attribution->contributions[t][place], want, 1e-12);
    }
  }
}

TEST(Attribute, FewPlacesAreExactByEverySubset) {
  const FakeScorer scorer(12, Attentive);
  for (const auto& items :
       std::vector<std::vector<ItemIndex>>{{4, 7}, {3, 8, 8}, {4, 7, 3, 11, 6}}) {
    const History history = Of(items);
    const auto attribution = Attribute(scorer, history, kTargets);
    ASSERT_TRUE(attribution.ok());
    EXPECT_EQ(attribution->method, Method::kSubsets);
    ExpectSums(*attribution);
    for (std::size_t t = 0; t < kTargets.size(); ++t) {
      const std::vector<double> want = Oracle(Attentive, history, kTargets[t]);
      for (std::size_t place = 0; place < history.size(); ++place) {
        EXPECT_NEAR(attribution->contributions[t][place], want[place], 1e-12);
      }
    }
  }
}

TEST(Attribute, AnEstimateSaysHowUncertainItIs) {
  const FakeScorer scorer(12, Attentive);
  const History history = Of({4, 7, 3, 11, 6, 9, 5});
  double covered = 0;
  double parts = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto estimate = Attribute(scorer, history, kTargets, {.pairs = 16, .seed = seed});
    ASSERT_TRUE(estimate.ok());
    EXPECT_LT(estimate->residual, 1e-12);
    for (std::size_t t = 0; t < kTargets.size(); ++t) {
      const std::vector<double> want = Oracle(Attentive, history, kTargets[t]);
      for (std::size_t place = 0; place < history.size(); ++place) {
        const double error = estimate->errors[t][place];
        EXPECT_GT(error, 0);
        covered += std::fabs(estimate->contributions[t][place] - want[place]) <= 2 * error ? 1 : 0;
        ++parts;
      }
    }
  }
  EXPECT_GT(covered / parts, 0.88);  // 95 % of a normal one; 16 pairs are few
  const auto exact = Attribute(scorer, Of({4, 7}), kTargets);
  EXPECT_EQ(exact->errors[0], (std::vector<double>{0, 0}));
}

TEST(Attribute, TheResidualIsWhatRoundingLeft) {
  // Additive but for a part that the tolerance lets pass.
  const FakeScorer scorer(12, [](const History& history, ItemIndex target) {
    int present = 0;
    for (const HistoryEvent& event : history) {
      present += event.item >= kFirstItem ? 1 : 0;
    }
    return Additive(history, target) + (present == 6 ? 1e-7 : 0);
  });
  const auto attribution = Attribute(scorer, Of({4, 7, 3, 11, 7, 2}), kTargets);
  ASSERT_TRUE(attribution.ok());
  EXPECT_EQ(attribution->method, Method::kAdditive);
  EXPECT_NEAR(attribution->residual, 1e-7, 1e-12);
  ExpectSums(*attribution);
}

double WorstError(const Attribution& attribution, const History& history) {
  double worst = 0;
  for (std::size_t t = 0; t < kTargets.size(); ++t) {
    const std::vector<double> want = Oracle(Attentive, history, kTargets[t]);
    for (std::size_t place = 0; place < history.size(); ++place) {
      worst = std::max(worst, std::fabs(attribution.contributions[t][place] - want[place]));
    }
  }
  return worst;
}

TEST(Attribute, PermutationsAddUpExactlyAndComeNearTheTruth) {
  const FakeScorer scorer(12, Attentive);
  const History history = Of({4, 7, 3, 11, 6, 9, 5});
  const auto by_default = Attribute(scorer, history, kTargets);
  ASSERT_TRUE(by_default.ok());
  EXPECT_EQ(by_default->method, Method::kPermutations);
  EXPECT_LE(by_default->scored, 810U);
  ExpectSums(*by_default);
  EXPECT_LT(WorstError(*by_default, history), 0.03);  // of scores around 0.5
  const auto finer = Attribute(scorer, history, kTargets, {.pairs = 2000});
  ExpectSums(*finer);
  EXPECT_LT(WorstError(*finer, history), 0.005);
  const auto again = Attribute(scorer, history, kTargets);
  EXPECT_EQ(again->contributions, by_default->contributions);  // the same seed, the same answer
}

TEST(Attribute, OnePairIsEnoughToAddUp) {
  const FakeScorer scorer(12, Attentive);
  const auto attribution =
      Attribute(scorer, Of({4, 7, 3, 11, 6, 9, 5, 8, 10, 2}), kTargets, {.pairs = 1});
  ASSERT_TRUE(attribution.ok());
  ExpectSums(*attribution);
}

TEST(Attribute, RemovedAndUnknownPlacesHaveNoPart) {
  const FakeScorer scorer(12, Attentive);
  const auto attribution = Attribute(scorer, Of({4, 0, 7, 1}), kTargets);
  ASSERT_TRUE(attribution.ok());
  for (const auto& parts : attribution->contributions) {
    EXPECT_EQ(parts[1], 0);
    EXPECT_EQ(parts[3], 0);
    EXPECT_NE(parts[0], 0);
  }
  ExpectSums(*attribution);
  const auto nothing = Attribute(scorer, Of({0, 1}), kTargets);
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->contributions[0], (std::vector<double>{0, 0}));
  EXPECT_EQ(nothing->base, nothing->score);
}

TEST(Attribute, NeverScoresMoreThanABatchAtOnce) {
  const FakeScorer scorer(12, Attentive);
  ASSERT_TRUE(Attribute(scorer, Of({4, 7, 3, 11, 6, 9, 5}), kTargets, {.batch = 5}).ok());
  EXPECT_EQ(scorer.largest_batch, 5U);
}

TEST(Attribute, RefusesWhatCannotBeExplained) {
  const FakeScorer scorer(12, Additive);
  const std::vector<ItemIndex> outside = {12};
  EXPECT_EQ(Attribute(scorer, Of({4}), outside).status().code(), Code::kInvalidArgument);
  const FakeScorer broken(12, [](const History& history, ItemIndex) {
    return history.front().item == kPaddingItem ? std::nan("") : 1.0;
  });
  EXPECT_EQ(Attribute(broken, Of({4}), kTargets).status().code(), Code::kInternal);
}

}  // namespace
}  // namespace vitrine::explain
