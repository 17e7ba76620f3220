#include "train/validation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "data/test_shop.h"

namespace vitrine::train {
namespace {

TEST(RanksOf, EqualsSortingForRandomScoresWithTies) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> scores(3 + random() % 30);
    std::vector<char> blocked(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = static_cast<double>(random() % 5);
      blocked[i] = random() % 4 == 0 ? 1 : 0;
    }
    std::vector<ItemIndex> targets = {kUnknownItem};
    for (int t = 0; t < 3; ++t) {
      targets.push_back(static_cast<ItemIndex>(random() % (scores.size() + 2)));
    }
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
    std::vector<ItemIndex> order;
    for (ItemIndex i = kFirstItem; i < scores.size(); ++i) {
      if (blocked[i] == 0) {
        order.push_back(i);
      }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](ItemIndex a, ItemIndex b) { return scores[a] > scores[b]; });
    std::vector<std::uint32_t> expected;
    for (std::uint32_t place = 0; place < order.size(); ++place) {
      if (std::find(targets.begin(), targets.end(), order[place]) != targets.end()) {
        expected.push_back(place);
      }
    }
    ASSERT_EQ(RanksOf(scores, blocked, targets), expected);
  }
}

/// Scores an item by its index, or by what the shopper's newest item is.
class LowestFirst final : public Scorer {
 public:
  explicit LowestFirst(std::size_t width) : width_(width) {}
  [[nodiscard]] std::size_t width() const override { return width_; }
  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    scores.clear();
    for (std::size_t b = 0; b < histories.size(); ++b) {
      for (std::size_t i = 0; i < width_; ++i) {
        scores.push_back(-static_cast<double>(i));
      }
    }
    return Status::Ok();
  }

 private:
  std::size_t width_;
};

struct Made {
  Material material;
  TrainingSet set;
};

Made Make(evaluate::HistoryRule rule) {
  data::test::Shop shop = data::test::MakeShop({.users = 80, .seed = 9});
  evaluate::Protocol protocol;
  protocol.name = "test";
  protocol.history = rule;
  Made made{{std::move(shop.interactions), std::move(shop.items), protocol, {}}, {}};
  made.material.split =
      evaluate::MakeSplit(made.material.interactions, made.material.items, protocol).value();
  TrainSpec spec;
  spec.algorithm = "fake";
  made.set = MakeTrainingSet(made.material, spec, {{"history", "history_items", "", {}}},
                             evaluate::FitFor::kValidation)
                 .value();
  return made;
}

TEST(Validation, NdcgIsThatOfTheCasesRankedByHand) {
  for (const auto rule : {evaluate::HistoryRule::kFiltered, evaluate::HistoryRule::kKept}) {
    const Made made = Make(rule);
    double sum = 0;
    const auto cases = made.material.split.Cases(evaluate::Part::kValidation);
    for (const evaluate::Case& c : cases) {
      const ItemIndex target = made.set.index[made.material.split.Targets(c)[0]];
      std::size_t rank = 0;
      for (ItemIndex i = kFirstItem; i < target; ++i) {
        bool seen = false;
        for (const std::size_t row : made.material.split.HistoryRows(c)) {
          seen = seen || made.set.index[made.material.interactions.item[row]] == i;
        }
        rank += seen && rule == evaluate::HistoryRule::kFiltered ? 0 : 1;
      }
      sum += rank < 10 ? 1 / std::log2(static_cast<double>(rank) + 2) : 0;
    }
    const Validation validation(made.material, made.set, {.k = 10});
    ASSERT_EQ(validation.cases(), cases.size());
    ASSERT_GT(cases.size(), 10U);
    const LowestFirst scorer(made.set.sequences.width);
    EXPECT_NEAR(*validation.Ndcg(scorer, {}), sum / static_cast<double>(cases.size()), 1e-12);
    const Result<MetricValue> interval = validation.NdcgInterval(scorer, {});
    EXPECT_NEAR(interval->mean, sum / static_cast<double>(cases.size()), 1e-12);
    EXPECT_LE(interval->low, interval->mean);
    EXPECT_GE(interval->high, interval->mean);
  }
}

TEST(Validation, ASampleIsDrawnByTheSeed) {
  const Made made = Make(evaluate::HistoryRule::kKept);
  const LowestFirst scorer(made.set.sequences.width);
  const Validation first(made.material, made.set, {.k = 10, .cases = 7, .seed = 1});
  const Validation again(made.material, made.set, {.k = 10, .cases = 7, .seed = 1});
  const Validation other(made.material, made.set, {.k = 10, .cases = 7, .seed = 2});
  EXPECT_EQ(first.cases(), 7U);
  EXPECT_EQ(*first.Ndcg(scorer, {}), *again.Ndcg(scorer, {}));
  EXPECT_NE(*first.Ndcg(scorer, {}), *other.Ndcg(scorer, {}));
}

TEST(CasesMeasured, AreAllUntilUsersAndItemsAreMany) {
  EXPECT_EQ(CasesMeasured(0, 22'363, 12'101), 22'363U);
  EXPECT_EQ(CasesMeasured(0, 1'000'000, 12'101), 177'463U);
  EXPECT_EQ(CasesMeasured(0, 1'000'000, 100'000), 21'474U);
  EXPECT_EQ(CasesMeasured(0, 1'000'000, 10'000'000), 10'000U) << "fewer say too little";
  EXPECT_EQ(CasesMeasured(0, 7, 10'000'000), 7U);
  EXPECT_EQ(CasesMeasured(0, 7, 0), 7U);
  EXPECT_EQ(CasesMeasured(500'000, 1'000'000, 100'000), 500'000U) << "what is asked for";
  EXPECT_EQ(CasesMeasured(100, 7, 10), 7U);
}

TEST(Validation, AStopIsHeard) {
  const Made made = Make(evaluate::HistoryRule::kKept);
  std::stop_source stop;
  stop.request_stop();
  Progress progress;
  progress.stop = stop.get_token();
  const Validation validation(made.material, made.set, {});
  EXPECT_EQ(validation.Ndcg(LowestFirst(made.set.sequences.width), progress).status().code(),
            Code::kCancelled);
}

}  // namespace
}  // namespace vitrine::train
