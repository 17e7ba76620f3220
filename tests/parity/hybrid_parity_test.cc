// A hybrid's graph in the serving runtime answers what its Score answers in the trainer, whatever stands
// in a history, in a batch and alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "parity/exported.h"
#include "train/model_scorer.h"
#include "train/models/hybrid.h"
#include "train/models/hybrid_testing.h"
#include "train/models/item_knn.h"
#include "train/models/markov.h"
#include "train/models/personal.h"
#include "train/models/popularity.h"
#include "train/sequences.h"

namespace vitrine {
namespace {

using train::HybridMember;
using train::HybridOptions;
using train::TrainingSequences;

constexpr std::size_t kWidth = 82;
constexpr std::size_t kBest = 20;

/// Walks over items that follow each other more or less; with `again`, some items come back.
TrainingSequences Walks(bool again, bool ordinal) {
  std::mt19937 random(17);
  TrainingSequences sequences{.users = {}, .width = kWidth, .ordinal_time = ordinal};
  for (int u = 0; u < 400; ++u) {
    History history;
    auto item = static_cast<ItemIndex>(random() % 80);
    std::uint32_t basket = 0;
    for (std::size_t i = 0; i < 3 + random() % 8; ++i) {
      basket += random() % 3 == 0 ? 0 : 1;
      history.push_back({.item = kFirstItem + item,
                         .ts = {std::int64_t{basket} * kMicrosPerDay},
                         .type = EventType::kPurchase,
                         .basket = basket});
      const bool back = again && random() % 2 == 0;
      item = back ? history[random() % history.size()].item - kFirstItem
                  : static_cast<ItemIndex>((item + random() % 4 + random() % 5) % 80);
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

std::vector<HybridMember> Members() {
  std::vector<HybridMember> members;
  members.push_back({"markov", train::MakeMarkov({})});
  members.push_back({"knn", train::MakeItemKnn({})});
  members.push_back({"knn-decay", train::MakeItemKnn({.decay = 0.5})});
  members.push_back({"personal", train::MakePersonal({.decay = 0.8})});
  members.push_back({"popularity", train::MakePopularity({})});
  return members;
}

/// Every kind of history that careless graphs break at.
std::vector<History> Histories(const TrainingSequences& sequences) {
  std::vector<History> histories(sequences.users.begin(), sequences.users.begin() + 40);
  histories.emplace_back();
  histories.push_back({{.item = kUnknownItem}});
  for (const std::size_t from_end : {1U, 2U}) {
    History removed = sequences.users[3];
    removed[removed.size() - from_end].item = kPaddingItem;
    histories.push_back(removed);
  }
  History gone = sequences.users[5];
  for (HistoryEvent& event : gone) {
    event.item = kPaddingItem;
  }
  histories.push_back(gone);
  return histories;
}

std::vector<std::size_t> Order(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size() - kFirstItem);
  std::iota(order.begin(), order.end(), std::size_t{kFirstItem});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  order.resize(kBest);
  return order;
}

void ExpectEqual(std::span<const double> fitted, std::span<const double> served) {
  ASSERT_EQ(fitted.size(), served.size());
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    ASSERT_TRUE(std::isfinite(served[i]));
    ASSERT_NEAR(served[i], fitted[i], 1e-6) << "row " << i / kWidth << " item " << i % kWidth;
  }
  for (std::size_t row = 0; row * kWidth < fitted.size(); ++row) {
    ASSERT_EQ(Order(fitted.subspan(row * kWidth, kWidth)),
              Order(served.subspan(row * kWidth, kWidth)))
        << "row " << row;
  }
}

struct Case {
  std::string name;
  std::string ranker;
  bool again;
  bool ordinal;
};

class HybridParity : public testing::TestWithParam<Case> {};

TEST_P(HybridParity, BatchesAndSingleRows) {
  const TrainingSequences sequences = Walks(GetParam().again, GetParam().ordinal);
  HybridOptions options;
  options.ranker = GetParam().ranker;
  options.candidates = 12;
  options.trees.rounds = 40;
  options.trees.min_child_weight = 0.1;
  options.trees.lambda = 1;
  const auto model = train::MakeHybrid(options, Members());
  const data::FeatureSpec features = train::test::FeaturesForTest(*model, kWidth);
  train::FitContext context;
  context.features = &features;
  const auto outcome = model->Fit(sequences, context);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ASSERT_EQ(outcome->chosen.at("again"), GetParam().again ? 1 : 0);
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);

  const std::vector<History> histories = Histories(sequences);
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  Tensor native;
  const auto compare = [&](std::span<const History> some) {
    ASSERT_EQ(train::ApplyFeatures(features, some, inputs), Status());
    ASSERT_EQ(model->Score(inputs, native), Status());
    ASSERT_EQ(graph->Run(inputs, outputs), Status());
    ASSERT_EQ(outputs[0].shape(), native.shape());
    ExpectEqual(native.values<double>(), outputs[0].values<double>());
  };
  compare(histories);
  for (const History& history : histories) {
    compare({&history, 1});
  }
}

INSTANTIATE_TEST_SUITE_P(Rankers, HybridParity,
                         testing::Values(Case{"trees", "trees", false, true},
                                         Case{"trees_again", "trees", true, false},
                                         Case{"blend", "blend", false, false},
                                         Case{"blend_again", "blend", true, true}),
                         [](const auto& c) { return c.param.name; });

/// A dense member: the query is the newest item's row of a random table, the item vectors are another
/// table with a bias.
class DenseFake final : public train::TrainableModel {
 public:
  DenseFake() {
    std::mt19937 random(23);
    std::normal_distribution<float> normal;
    for (float& value : queries_) {
      value = normal(random);
    }
    for (float& value : vectors_) {
      value = normal(random);
    }
  }
  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return {{"history", "history_items", "", {{"length", "5"}}}};
  }
  Result<train::FitOutcome> Fit(const TrainingSequences&, const train::FitContext&) override {
    return train::FitOutcome{};
  }
  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    const std::int64_t rows = inputs[0].shape()[0];
    const auto items = inputs[0].values<std::int64_t>();
    const std::size_t length = items.size() / static_cast<std::size_t>(rows);
    scores.Reset(DType::kFloat32, {rows, kWidth});
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      const auto last = static_cast<std::size_t>(items[(row + 1) * length - 1]);
      for (std::size_t i = 0; i < kWidth; ++i) {
        // Another order of additions than a matrix product has.
        float sum = vectors_[i * (kInner + 1) + kInner];
        for (std::size_t d = kInner; d-- > 0;) {
          sum += queries_[last * kInner + d] * vectors_[i * (kInner + 1) + d];
        }
        scores.values<float>()[row * kWidth + i] = sum;
      }
    }
    return Status::Ok();
  }
  Status ExportGraph(graph::Builder& b) const override {
    const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
    const graph::Value table = b.Initializer("table", {kWidth, kInner}, queries_);
    const graph::Value last = b.Gather(history, b.Scalar<std::int64_t>(-1), 1);
    b.Output("query", b.Gather(table, last), DType::kFloat32, {"batch", kInner});
    return Status::Ok();
  }
  [[nodiscard]] std::optional<graph::ItemVectors> ItemVectors() const override {
    return graph::ItemVectors{
        .rows = kWidth, .width = kInner + 1, .bias = true, .values = vectors_};
  }

 private:
  static constexpr std::size_t kInner = 8;
  std::vector<float> queries_ = std::vector<float>(kWidth * kInner);
  std::vector<float> vectors_ = std::vector<float>(kWidth * (kInner + 1));
};

TEST(HybridParityTest, ADenseMemberIsScoredByItsVectors) {
  const TrainingSequences sequences = Walks(/*again=*/false, /*ordinal=*/true);
  HybridOptions options;
  options.candidates = 30;
  options.trees.rounds = 20;
  options.trees.min_child_weight = 0.1;
  options.trees.lambda = 1;
  std::vector<HybridMember> members;
  members.push_back({"dense", std::make_unique<DenseFake>()});
  members.push_back({"markov", train::MakeMarkov({})});
  const auto model = train::MakeHybrid(options, std::move(members));
  const data::FeatureSpec features = train::test::FeaturesForTest(*model, kWidth);
  train::FitContext context;
  context.features = &features;
  const auto outcome = model->Fit(sequences, context);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const std::vector<History> histories = Histories(sequences);
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  Tensor native;
  ASSERT_EQ(train::ApplyFeatures(features, histories, inputs), Status());
  ASSERT_EQ(model->Score(inputs, native), Status());
  ASSERT_EQ(graph->Run(inputs, outputs), Status());
  const auto steady = model->Steady(inputs);
  ASSERT_TRUE(steady.ok()) << steady.status().ToString();
  std::size_t compared = 0;
  for (std::size_t row = 0; row < histories.size(); ++row) {
    const auto fitted = native.values<double>().subspan(row * kWidth, kWidth);
    const auto served = outputs[0].values<double>().subspan(row * kWidth, kWidth);
    if (!(*steady)[row]) {
      continue;
    }
    ++compared;
    EXPECT_EQ(Order(fitted), Order(served)) << "row " << row;
    for (const std::size_t item : Order(fitted)) {
      EXPECT_NEAR(fitted[item], served[item], 1e-4) << "row " << row << " item " << item;
    }
  }
  EXPECT_GT(compared, histories.size() / 3);
}

TEST(HybridParityTest, NoCandidateAtAll) {
  // Markov alone, and nothing followed the newest item.
  const TrainingSequences sequences = Walks(/*again=*/false, /*ordinal=*/true);
  HybridOptions options;
  options.trees.rounds = 5;
  std::vector<HybridMember> members;
  members.push_back({"markov", train::MakeMarkov({})});
  const auto model = train::MakeHybrid(options, std::move(members));
  const data::FeatureSpec features = train::test::FeaturesForTest(*model, kWidth);
  train::FitContext context;
  context.features = &features;
  ASSERT_TRUE(model->Fit(sequences, context).ok());
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const History none;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  Tensor native;
  ASSERT_EQ(train::ApplyFeatures(features, {&none, 1}, inputs), Status());
  ASSERT_EQ(model->Score(inputs, native), Status());
  ASSERT_EQ(graph->Run(inputs, outputs), Status());
  ExpectEqual(native.values<double>(), outputs[0].values<double>());
}

}  // namespace
}  // namespace vitrine
