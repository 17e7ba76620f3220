#include "train/models/lr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "train/models/ranker_testing.h"

namespace vitrine::train {
namespace {

using test::DrawnRow;

/// What lr can say exactly.
double Linear(const DrawnRow& row) {
  double history = 0;
  for (const std::int64_t item : row.history) {
    history += (item % 2 == 0 ? 1.0 : -1.0) / static_cast<double>(row.history.size());
  }
  return -0.5 + 0.8 * double{row.number} + 0.4 * static_cast<double>(row.level) +
         (row.item < 5 ? 1.0 : -0.3) + history;
}

std::unique_ptr<TrainableRanker> Fitted(const LabelledRows& rows, double l2,
                                        std::uint64_t seed = 1) {
  const RankerFactory factory = LrFactory();
  const auto parameters = Parameters::Resolve(factory.parameters, {{"l2", l2}});
  CHECK(parameters.ok());
  auto ranker = factory.create(*parameters);
  CHECK(ranker.ok());
  RankerContext context;
  context.seed = seed;
  const auto outcome = (*ranker)->Fit(rows, nullptr, context);
  EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(outcome.ok() ? outcome->notes.at("settled") : 0, 1);
  return *std::move(ranker);
}

std::vector<float> Scores(const TrainableRanker& ranker, const LabelledRows& rows) {
  std::vector<float> probabilities;
  EXPECT_TRUE(ranker.Score(rows.features, probabilities).ok());
  return probabilities;
}

TEST(Lr, FindsATruthThatIsLinear) {
  const auto drawn = test::DrawRows(40'000, 3);
  const auto ranker = Fitted(test::LabelRows(drawn, Linear, 4), 1);
  const auto fresh = test::DrawRows(2000, 5);
  const std::vector<float> p = Scores(*ranker, test::LabelRows(fresh, Linear, 6));
  double miss = 0;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    miss += std::fabs(double{p[i]} - Sigmoid(Linear(fresh[i])));
  }
  EXPECT_LT(miss / static_cast<double>(fresh.size()), 0.02);
}

/// One number, one label each: the least of the penalised loss by bisection over both slopes' zero.
TEST(Lr, IsTheLeastOfThePenalisedLoss) {
  LabelledRows rows;
  rows.columns = {{"x", RankerColumnKind::kNumber, 0}};
  const std::vector<float> x = {-1, 1, -1, 1, 1, -1, -1, 1};  // mean 0, deviation 1
  rows.labels = {0, 1, 0, 1, 0, 1, 0, 1};
  rows.group = {0, 1, 2, 3, 4, 5, 6, 7};
  rows.features.push_back(Tensor::Of<float>("x", {8}, x));
  const double l2 = 2;
  const std::vector<float> p = Scores(*Fitted(rows, l2), rows);
  // By symmetry the bias is 0: slope(w) = l2 * w + sum x * (sigmoid(w x) - y).
  double low = 0;
  double high = 5;
  for (int i = 0; i < 60; ++i) {
    const double w = (low + high) / 2;
    double slope = l2 * w;
    for (std::size_t r = 0; r < x.size(); ++r) {
      slope += double{x[r]} * (Sigmoid(w * double{x[r]}) - (rows.labels[r] > 0 ? 1 : 0));
    }
    (slope > 0 ? high : low) = w;
  }
  EXPECT_NEAR(double{p[1]}, Sigmoid(low), 1e-5);
  EXPECT_NEAR(double{p[0]}, 1 - Sigmoid(low), 1e-5);
}

TEST(Lr, WithoutWeightsSaysTheShareOfPositives) {
  const auto drawn = test::DrawRows(3000, 7);
  const LabelledRows rows = test::LabelRows(drawn, Linear, 8);
  for (const float p : Scores(*Fitted(rows, 1e6), rows)) {
    EXPECT_NEAR(double{p}, ShareOfPositives(rows), 0.01);
  }
}

TEST(Lr, EqualRowsGiveEqualAnswersWhateverTheSeed) {
  const auto drawn = test::DrawRows(500, 9);
  const LabelledRows rows = test::LabelRows(drawn, Linear, 10);
  EXPECT_EQ(Scores(*Fitted(rows, 1, 1), rows), Scores(*Fitted(rows, 1, 2), rows));
}

TEST(Lr, ARowOfWeightTwoStandsTwice) {
  const auto drawn = test::DrawRows(300, 11);
  LabelledRows weighed = test::LabelRows(drawn, Linear, 12);
  auto twice = drawn;
  twice.insert(twice.end(), drawn.begin(), drawn.end());
  LabelledRows repeated = test::LabelRows(twice, Linear, 12);
  std::copy(weighed.labels.begin(), weighed.labels.end(), repeated.labels.begin());
  std::copy(weighed.labels.begin(), weighed.labels.end(), repeated.labels.begin() + 300);
  weighed.weights.assign(300, 2);
  const std::vector<float> a = Scores(*Fitted(weighed, 1), weighed);
  const std::vector<float> b = Scores(*Fitted(repeated, 1), weighed);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(double{a[i]}, double{b[i]}, 2e-4) << i;
  }
}

TEST(Lr, WrongRowsAreNamedByRowAndColumn) {
  const auto drawn = test::DrawRows(20, 13);
  const LabelledRows good = test::LabelRows(drawn, Linear, 14);
  const auto refused = [](const LabelledRows& rows) {
    const RankerFactory factory = LrFactory();
    auto ranker = *factory.create(*Parameters::Resolve(factory.parameters, {}));
    return ranker->Fit(rows, nullptr, {}).status();
  };
  LabelledRows level = good;
  level.features[1].values<std::int64_t>()[7] = 5;
  EXPECT_NE(refused(level).message().find("row 7 of column 'level' holds 5"), std::string::npos)
      << refused(level).message();
  LabelledRows history = good;
  history.features[3].values<std::int64_t>()[3 * test::kDrawnPlaces + 1] = -1;
  EXPECT_NE(refused(history).message().find("row 3 of column 'history'"), std::string::npos);
  LabelledRows number = good;
  number.features[0].values<float>()[2] = std::nanf("");
  EXPECT_NE(refused(number).message().find("row 2 of column 'number'"), std::string::npos);
  LabelledRows alike = good;
  std::fill(alike.labels.begin(), alike.labels.end(), std::uint8_t{1});
  EXPECT_NE(refused(alike).message().find("all 20 labels are 1"), std::string::npos);
  LabelledRows short_one = good;
  short_one.features.pop_back();
  EXPECT_EQ(refused(short_one).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::train
