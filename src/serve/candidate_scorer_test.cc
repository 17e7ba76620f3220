#include "serve/candidate_scorer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"

namespace vitrine::serve {
namespace {

TensorSpec Input(const std::string& name, Shape shape, DType dtype = DType::kInt64) {
  return {.name = name, .dtype = dtype, .shape = std::move(shape)};
}

class Candidates : public testing::Test {
 protected:
  [[nodiscard]] std::string Refusal(const std::vector<TensorSpec>& inputs) const {
    const auto layout = CandidateLayout::Of(spec, inputs);
    EXPECT_EQ(layout.status().code(), Code::kInvalidArgument);
    return std::string(layout.status().message());
  }
  std::vector<std::string> ids = ItemNames(6);
  data::FeatureSpec spec = RankerSpec(ids, 4);
  History history = {{.item = 2, .ts = {}, .type = EventType::kView, .basket = 0},
                     {.item = 5, .ts = {}, .type = EventType::kView, .basket = 0}};
  std::vector<ItemIndex> candidates = {7, 3, 4};
  data::FeatureInput input{.history = history, .as_of = {}, .candidates = candidates};
};

TEST_F(Candidates, RowsAreArrangedAsTheGraphDeclaresThem) {
  std::vector<Tensor> features;
  ASSERT_TRUE(spec.Apply(std::span(&input, 1), features).ok());
  struct Case {
    Shape history;
    Shape item;
    Shape history_given;
    Shape item_given;
  };
  const std::vector<Case> cases = {{{-1, -1}, {-1}, {3, 2}, {3}},
                                   {{1, -1}, {-1}, {1, 2}, {3}},
                                   {{1, -1}, {1, -1}, {1, 2}, {1, 3}},
                                   {{-1, 4}, {-1, 1}, {3, 2}, {3, 1}},
                                   {{1, -1, -1}, {-1}, {1, 3, 2}, {3}}};
  for (const Case& c : cases) {
    const auto layout =
        CandidateLayout::Of(spec, {Input("item", c.item), Input("history", c.history)});
    ASSERT_TRUE(layout.ok()) << layout.status().ToString();
    std::vector<Tensor> arranged;
    const auto inputs = layout->Arrange(features, 3, arranged);
    ASSERT_EQ(inputs.size(), 2U);
    EXPECT_EQ(inputs[0].shape(), c.history_given);
    EXPECT_EQ(inputs[1].shape(), c.item_given);
    const auto items = inputs[1].values<std::int64_t>();
    EXPECT_EQ(std::vector<std::int64_t>(items.begin(), items.end()),
              (std::vector<std::int64_t>{7, 3, 4}));
    const auto places = inputs[0].values<std::int64_t>();
    for (std::size_t i = 0; i < places.size(); ++i) {
      EXPECT_EQ(places[i], i % 2 == 0 ? 2 : 5);
    }
  }
}

TEST_F(Candidates, InputsThatCannotBeMadeAreNamed) {
  EXPECT_NE(Refusal({Input("price", {-1})}).find("'price'"), std::string::npos);
  EXPECT_NE(Refusal({Input("item", {-1}, DType::kInt32)}).find("int32"), std::string::npos);
  EXPECT_NE(Refusal({Input("item", {1})}).find("differs between candidates"), std::string::npos);
  EXPECT_NE(Refusal({Input("item", {200})}).find("fixed number of rows"), std::string::npos);
  EXPECT_NE(Refusal({Input("item", {-1, -1})}).find("fixing the other to 1"), std::string::npos);
  EXPECT_NE(Refusal({Input("history", {-1, 9})}).find("sizes behind the first"), std::string::npos);
  EXPECT_NE(Refusal({Input("history", {-1})}).find("'history'"), std::string::npos);
}

TEST_F(Candidates, TheOutputHasOneFiniteScoreForEach) {
  std::vector<double> scores;
  const auto read = [&scores](const Tensor& output) {
    return ReadCandidateScores(output, 3, scores);
  };
  const std::vector<float> values = {1, -2, 3};
  for (const Shape& shape : {Shape{3}, Shape{3, 1}, Shape{1, 3}}) {
    ASSERT_TRUE(read(Tensor::Of<float>("s", shape, values)).ok());
    EXPECT_EQ(scores, (std::vector<double>{1, -2, 3}));
  }
  for (const Shape& shape : {Shape{2}, Shape{3, 2}, Shape{1, 1, 3}, Shape{}}) {
    const Status wrong = read(Tensor("s", DType::kFloat32, shape));
    EXPECT_EQ(wrong.code(), Code::kInternal);
    EXPECT_NE(wrong.message().find("one score a candidate"), std::string_view::npos);
  }
  EXPECT_NE(read(Tensor("s", DType::kInt64, {3})).message().find("int64"), std::string_view::npos);
  const std::vector<float> bad = {1, std::nanf(""), 3};
  EXPECT_NE(read(Tensor::Of<float>("s", {3}, bad)).message().find("candidate 1"),
            std::string_view::npos);
}

// Scores relative to the best candidate: a listwise model, which no explanation could ask again.
class Listwise final : public LoadedGraph {
 public:
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return inputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    const auto items = inputs[1].values<std::int64_t>();
    const std::int64_t best = *std::max_element(items.begin(), items.end());
    std::vector<float> scores;
    for (const std::int64_t item : items) {
      scores.push_back(static_cast<float>(item - best));
    }
    outputs.assign(1, Tensor::Of<float>("s", {static_cast<std::int64_t>(scores.size())}, scores));
    return Status::Ok();
  }

 private:
  std::vector<TensorSpec> inputs_ = {Input("item", {-1})};
};

TEST_F(Candidates, AScoreThatDependsOnTheOthersIsRefused) {
  const FakeRankerGraph alone([](auto, std::int64_t item) { return static_cast<float>(item); });
  const auto layout = CandidateLayout::Of(spec, alone.inputs());
  ASSERT_TRUE(layout.ok());
  EXPECT_TRUE(CheckScoredAlone(alone, spec, *layout, input).ok());
  const Status refused = CheckScoredAlone(Listwise(), spec, *layout, input);
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.message().find("may not depend on the other candidates"),
            std::string_view::npos);
}

TEST_F(Candidates, AScorerScoresThemForEachHistory) {
  const FakeRankerGraph graph([](std::span<const std::int64_t> places, std::int64_t item) {
    return static_cast<float>(100 * places.back() + item);
  });
  const auto layout = CandidateLayout::Of(spec, graph.inputs());
  ASSERT_TRUE(layout.ok());
  const CandidateScorer scorer(graph, spec, *layout, candidates);
  EXPECT_EQ(scorer.width(), 3U);
  std::vector<double> scores;
  const std::vector<History> histories = {history, {history[0]}};
  ASSERT_TRUE(scorer.Score(histories, scores).ok());
  EXPECT_EQ(scores, (std::vector<double>{507, 503, 504, 207, 203, 204}));
}

}  // namespace
}  // namespace vitrine::serve
