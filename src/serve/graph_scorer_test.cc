#include "serve/graph_scorer.h"

#include <gtest/gtest.h>

#include "serve/fake_graph.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

History Of(const std::vector<ItemIndex>& items) {
  History history;
  for (const ItemIndex item : items) {
    history.push_back({.item = item});
  }
  return history;
}

template <typename T>
class Scores : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Scores, Types);

TYPED_TEST(Scores, ABatchIsItsHistoriesOneByOne) {
  const ModelParts parts = FakeParts<TypeParam>("m", ItemNames(6), 3, Neighbours<TypeParam>);
  const GraphScorer scorer(*parts.graph, parts.spec, 8);
  EXPECT_EQ(scorer.width(), 8U);
  const std::vector<History> histories = {Of({2}), Of({}), Of({2, 7, 3, 4}), Of({0, 5})};
  std::vector<double> batch;
  ASSERT_TRUE(scorer.Score(histories, batch).ok());
  ASSERT_EQ(batch.size(), 4 * 8U);
  std::vector<double> one;
  for (std::size_t b = 0; b < histories.size(); ++b) {
    ASSERT_TRUE(scorer.Score(std::span(&histories[b], 1), one).ok());
    for (std::size_t item = 0; item < 8; ++item) {
      EXPECT_EQ(batch[b * 8 + item], one[item]) << b << ", " << item;
    }
  }
  EXPECT_EQ(batch[0 * 8 + 2], 1);
  EXPECT_EQ(batch[1 * 8 + 2], 0);
  // The newest three places count: item 2 is gone, items 7, 3 and 4 are there.
  EXPECT_NEAR(batch[2 * 8 + 2], 1.0 / 6 + 1.0 / 2 + 1.0 / 3, 1e-6);
  ASSERT_TRUE(scorer.Score({}, one).ok());
  EXPECT_TRUE(one.empty());
}

TEST(GraphScorer, NamesAnItemOutsideTheVocabulary) {
  const ModelParts parts = FakeParts<float>("m", ItemNames(6), 3, Neighbours<float>);
  const GraphScorer scorer(*parts.graph, parts.spec, 8);
  const std::vector<History> histories = {Of({8})};
  std::vector<double> scores;
  const Status status = scorer.Score(histories, scores);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("index 8"), std::string::npos);
}

TEST(GraphScorer, NamesTheShapeThatDoesNotFit) {
  const ModelParts parts = FakeParts<float>("m", ItemNames(6), 3, Neighbours<float>);
  const GraphScorer scorer(*parts.graph, parts.spec, 9);
  const std::vector<History> histories = {Of({2})};
  std::vector<double> scores;
  const Status status = scorer.Score(histories, scores);
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_NE(status.message().find("[1, 8]"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::serve
