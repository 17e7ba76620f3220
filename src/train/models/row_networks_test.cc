#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "train/models/dcn_v2.h"
#include "train/models/deepfm.h"
#include "train/models/din.h"
#include "train/models/fm.h"
#include "train/models/mlp.h"
#include "train/models/row_testing.h"

namespace vitrine::train {
namespace {

struct Case {
  std::string name;
  std::function<std::unique_ptr<TrainableRanker>()> make;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::unique_ptr<TrainableRanker> Linear(std::int64_t epochs) {
  return MakeMlp({.train = SmallRowTraining(epochs), .hidden = {}});
}

/// What a fit on some rows says about others, beside what the truth would say.
void ExpectLearns(TrainableRanker& ranker, const SimulatedRows& rows, const SimulatedRows& others) {
  const auto fitted = ranker.Fit(rows.rows, nullptr, {.seed = 1});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_GT(AucOf(ranker, others.rows), SlowAuc(others.rows.labels, others.truth) - 0.03);
}

class Interactions : public testing::TestWithParam<Case> {};

TEST_P(Interactions, OfTwoLevelsAreLearntWhereALinearModelKnowsNothing) {
  const SimulatedRows rows = EvenPairs(4000, 1);
  const SimulatedRows others = EvenPairs(1500, 2);
  const auto linear = Linear(15);
  ASSERT_TRUE(linear->Fit(rows.rows, nullptr, {.seed = 1}).ok());
  EXPECT_LT(AucOf(*linear, others.rows), 0.57);
  ExpectLearns(*GetParam().make(), rows, others);
}

TEST_P(Interactions, OfTwoNumbersAreLearntWhereALinearModelKnowsNothing) {
  const SimulatedRows rows = LikeSigns(4000, 1);
  const SimulatedRows others = LikeSigns(1500, 2);
  const auto linear = Linear(15);
  ASSERT_TRUE(linear->Fit(rows.rows, nullptr, {.seed = 1}).ok());
  EXPECT_LT(AucOf(*linear, others.rows), 0.57);
  ExpectLearns(*GetParam().make(), rows, others);
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Interactions,
    testing::Values(
        Case{"mlp", [] { return MakeMlp({.train = SmallRowTraining(15)}); }},
        Case{"fm", [] { return MakeFm({.train = SmallRowTraining(15)}); }},
        Case{"deepfm", [] { return MakeDeepFm({.train = SmallRowTraining(15)}); }},
        Case{"dcn_v2", [] { return MakeDcnV2({.train = SmallRowTraining(15)}); }},
        Case{"crosses_alone",
             [] { return MakeDcnV2({.train = SmallRowTraining(15), .rank = 6, .hidden = {}}); }},
        Case{"stacked",
             [] { return MakeDcnV2({.train = SmallRowTraining(15), .structure = "stacked"}); }}),
    [](const auto& named) { return named.param.name; });

TEST_P(Interactions, OfNumbersDoNotDependOnTheirUnits) {
  // The same numbers, far from 0 and small, or long-tailed counts.
  const auto moved = [](SimulatedRows made) {
    for (float& x : made.rows.features[0].values<float>()) {
      x = 7 + x / 1000;
    }
    for (float& y : made.rows.features[1].values<float>()) {
      y = std::exp(5 + y);
    }
    return made;
  };
  ExpectLearns(*GetParam().make(), moved(LikeSigns(4000, 1)), moved(LikeSigns(1500, 2)));
}

TEST(Mlp, TheTextbooksNetOfThreeFiveOneLearnsBySquaredErrorAndMomentum) {
  RowOptions options = SmallRowTraining(60);
  options.loss = RowLoss::kSquared;
  options.optimiser = StepRule::kSgd;
  options.learning_rate = 0.2;
  const auto net = MakeMlp({.train = options, .hidden = {5}});
  const SimulatedRows rows = LikeSigns(4000, 1);
  const auto fitted = net->Fit(rows.rows, nullptr, {.seed = 2});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  EXPECT_EQ(fitted->notes.at("weights"), 3 * 5 + 5 + 5 + 1);
  const SimulatedRows others = LikeSigns(1500, 2);
  EXPECT_GT(AucOf(*net, others.rows), SlowAuc(others.rows.labels, others.truth) - 0.03);
  // The mean squared error that is left is about that of the truth: 0.95 * 0.05.
  const std::vector<float> made = ProbabilitiesOf(*net, others.rows.features);
  double squared = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    squared += std::pow(made[i] - static_cast<float>(others.rows.labels[i]), 2);
  }
  EXPECT_LT(squared / static_cast<double>(made.size()), 0.09);
}

/// How much lower a probability gets, in the mean, without the place that `which` chooses (a place, or
/// below 0: none) of each row that has one of the candidate's kind.
double FallWithout(const TrainableRanker& ranker, const SimulatedRows& simulated,
                   const std::function<std::int64_t(std::int64_t)>& which) {
  const std::vector<Tensor>& features = simulated.rows.features;
  const std::vector<float> before = ProbabilitiesOf(ranker, features);
  std::vector<Tensor> without = features;
  const auto candidates = features[0].values<std::int64_t>();
  const auto places = without[1].values<std::int64_t>();
  std::vector<std::size_t> changed;
  for (std::size_t row = 0; row < candidates.size(); ++row) {
    std::int64_t match = -1;
    const auto at = [&](std::int64_t p) -> std::int64_t& {
      return places[row * kPlaces + static_cast<std::size_t>(p)];
    };
    for (std::int64_t p = 0; p < kPlaces; ++p) {
      match = at(p) >= kFirstItem && KindOf(at(p)) == KindOf(candidates[row]) ? p : match;
    }
    if (match >= 0) {
      at(which(match)) = kPaddingItem;
      changed.push_back(row);
    }
  }
  const std::vector<float> after = ProbabilitiesOf(ranker, without);
  double fall = 0;
  for (const std::size_t row : changed) {
    fall += before[row] - after[row];
  }
  return fall / static_cast<double>(changed.size());
}

class Din : public testing::TestWithParam<std::string> {};

TEST_P(Din, FindsThePlaceOfTheHistoryThatMatters) {
  RowOptions options = SmallRowTraining(40);
  options.share_items = true;
  options.learning_rate = 0.005;
  options.patience = 10;  // it begins on a plateau
  const auto din = MakeDin({.train = options, .weights = GetParam()});
  const SimulatedRows rows = OnePlaceMatters(6000, 1);
  const SimulatedRows later = OnePlaceMatters(1000, 3);
  const auto fitted = din->Fit(rows.rows, &later.rows, {.seed = 1});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  const SimulatedRows others = OnePlaceMatters(1500, 2);
  EXPECT_GT(AucOf(*din, others.rows), SlowAuc(others.rows.labels, others.truth) - 0.03);
  EXPECT_GT(FallWithout(*din, others, [](std::int64_t match) { return match; }), 0.6);
  const double other = FallWithout(
      *din, others, [](std::int64_t match) { return match + 1 < kPlaces ? match + 1 : match - 1; });
  EXPECT_LT(std::abs(other), 0.1);
}

INSTANTIATE_TEST_SUITE_P(Weights, Din, testing::Values("free", "softmax"),
                         [](const auto& named) { return named.param; });

TEST(DinNeeds, AnItemAndAHistory) {
  const SimulatedRows rows = EvenPairs(100, 1);
  const Status refused = MakeDin({})->Fit(rows.rows, nullptr, {}).status();
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("no item column"), std::string::npos) << refused.message();
}

TEST(RowFactories, MakeWhatTheirParametersSay) {
  for (const RankerFactory& factory :
       {MlpFactory(), FmFactory(), DeepFmFactory(), DcnV2Factory(), DinFactory()}) {
    SCOPED_TRACE(factory.algorithm);
    const auto standard = Parameters::Resolve(factory.parameters, {});
    ASSERT_TRUE(standard.ok()) << standard.status().ToString();
    EXPECT_TRUE(factory.create(*standard).ok());
    EXPECT_EQ(standard->Flag("share_items"), factory.algorithm == "din");
    if (factory.algorithm == "fm") {
      continue;
    }
    const auto wrong = Parameters::Resolve(factory.parameters, {{"hidden", std::string("64,x")}});
    ASSERT_TRUE(wrong.ok());
    const auto refused = factory.create(*wrong);
    EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
    EXPECT_NE(refused.status().message().find("64,x"), std::string::npos);
  }
}

}  // namespace
}  // namespace vitrine::train
