#include "train/models/gbdt.h"

#include <gtest/gtest.h>

#include "train/models/lr.h"
#include "train/models/ranker_testing.h"

namespace vitrine::train {
namespace {

using test::DrawnRow;

/// What no weighted sum can say: the number counts one way or the other by the level.
double Crossed(const DrawnRow& row) {
  return (row.level % 2 == 0 ? 1.5 : -1.5) * double{row.number} + (row.number > 1 ? 1 : 0);
}

struct Fit {
  std::unique_ptr<TrainableRanker> ranker;
  FitOutcome outcome;
};

Fit FittedTo(const LabelledRows& rows, const LabelledRows* watched, const RankerContext& context) {
  const RankerFactory factory = GbdtFactory();
  const auto parameters = Parameters::Resolve(
      factory.parameters, {{"rounds", std::int64_t{400}}, {"learning_rate", 0.1}});
  CHECK(parameters.ok());
  Fit fit{.ranker = *factory.create(*parameters), .outcome = {}};
  const auto outcome = fit.ranker->Fit(rows, watched, context);
  EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  fit.outcome = outcome.ok() ? *outcome : FitOutcome{};
  return fit;
}

/// Mean loss of the truth itself: nothing can do better in the long run.
double LeastLoss(const std::vector<DrawnRow>& drawn, const LabelledRows& rows) {
  double loss = 0;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const double logit = Crossed(drawn[i]);
    loss += std::log1p(std::exp(rows.labels[i] > 0 ? -logit : logit));
  }
  return loss / static_cast<double>(drawn.size());
}

TEST(Gbdt, LearnsAnInteractionThatNoSumHas) {
  const LabelledRows rows = test::LabelRows(test::DrawRows(8000, 1), Crossed, 2);
  const LabelledRows watched = test::LabelRows(test::DrawRows(2000, 3), Crossed, 4);
  const auto drawn = test::DrawRows(4000, 5);
  const LabelledRows fresh = test::LabelRows(drawn, Crossed, 6);
  const Fit fit = FittedTo(rows, &watched, {});
  const double loss = test::LogLossOf(*fit.ranker, fresh);
  const double least = LeastLoss(drawn, fresh);
  EXPECT_LT(loss, least + 0.04);
  const RankerFactory lr = LrFactory();
  auto linear = *lr.create(*Parameters::Resolve(lr.parameters, {}));
  ASSERT_TRUE(linear->Fit(rows, nullptr, {}).ok());
  EXPECT_GT(test::LogLossOf(*linear, fresh), least + 0.1);
}

TEST(Gbdt, StopsByTheWatchedRowsAndKeepsTheCount) {
  const LabelledRows rows = test::LabelRows(test::DrawRows(2000, 7), Crossed, 8);
  const LabelledRows watched = test::LabelRows(test::DrawRows(1000, 9), Crossed, 10);
  const Fit first = FittedTo(rows, &watched, {});
  const double rounds = first.outcome.chosen.at("rounds");
  EXPECT_LT(rounds, 400);
  EXPECT_EQ(first.outcome.notes.at("trees"), rounds);
  EXPECT_NEAR(first.outcome.best, test::LogLossOf(*first.ranker, watched), 1e-4);
  RankerContext context;
  context.chosen = first.outcome.chosen;
  const Fit second = FittedTo(rows, nullptr, context);
  EXPECT_EQ(second.outcome.notes.at("trees"), rounds);
}

TEST(Gbdt, DoesNotLookAtTheNumbersOfItems) {
  const auto drawn = test::DrawRows(2000, 11);
  const Fit fit = FittedTo(test::LabelRows(drawn, Crossed, 12), nullptr, {});
  auto renamed = drawn;
  for (DrawnRow& row : renamed) {
    row.item = 13 - row.item;
    std::reverse(row.history.begin(), row.history.end());
  }
  std::vector<float> before;
  std::vector<float> after;
  ASSERT_TRUE(fit.ranker->Score(test::LabelRows(drawn, Crossed, 12).features, before).ok());
  ASSERT_TRUE(fit.ranker->Score(test::LabelRows(renamed, Crossed, 12).features, after).ok());
  EXPECT_EQ(before, after);
}

TEST(Gbdt, RefusesRowsWithNothingToRead) {
  LabelledRows rows = test::LabelRows(test::DrawRows(50, 13), Crossed, 14);
  rows.columns.erase(rows.columns.begin(), rows.columns.begin() + 2);
  rows.features.erase(rows.features.begin(), rows.features.begin() + 2);
  const RankerFactory factory = GbdtFactory();
  auto ranker = *factory.create(*Parameters::Resolve(factory.parameters, {}));
  EXPECT_NE(ranker->Fit(rows, nullptr, {}).status().message().find("reads numbers and levels"),
            std::string::npos);
}

}  // namespace
}  // namespace vitrine::train
