// The graph of every network over labelled rows answers in the serving runtime what the network answers in
// LibTorch.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "graph/builder.h"
#include "train/models/dcn_v2.h"
#include "train/models/deepfm.h"
#include "train/models/din.h"
#include "train/models/fm.h"
#include "train/models/mlp.h"

namespace vitrine {
namespace {

constexpr std::size_t kItems = 30;

/// Numbers, levels, the candidate and two histories of one vocabulary, in no order by kind; one of the
/// columns is named as weights often are.
std::vector<train::RankerColumn> Columns() {
  using Kind = train::RankerColumnKind;
  return {{"history.liked", Kind::kHistory, kItems},
          {"context.hour", Kind::kLevel, 25},
          {"bias", Kind::kNumber, 0},
          {"candidate", Kind::kItem, kItems},
          {"item.price", Kind::kNumber, 0},
          {"history", Kind::kHistory, kItems},
          {"user.level", Kind::kLevel, 4}};
}

/// `places` wide histories: whole, padded, with removed and unknown places, empty.
std::vector<Tensor> Features(std::int64_t rows, std::int64_t places, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Tensor> features;
  for (const train::RankerColumn& column : Columns()) {
    if (column.kind == train::RankerColumnKind::kNumber) {
      Tensor tensor(column.name, DType::kFloat32, {rows});
      for (float& value : tensor.values<float>()) {
        value = column.name == "item.price" ? std::exp(3 + normal(random)) : normal(random);
      }
      features.push_back(std::move(tensor));
      continue;
    }
    const bool history = column.kind == train::RankerColumnKind::kHistory;
    Tensor tensor(column.name, DType::kInt64, history ? Shape{rows, places} : Shape{rows});
    for (std::size_t i = 0; i < tensor.values<std::int64_t>().size(); ++i) {
      const bool empty =
          history && (random() % 3 == 0 || i / static_cast<std::size_t>(places) == 1);
      tensor.values<std::int64_t>()[i] =
          empty ? 0 : static_cast<std::int64_t>(random() % column.width);
    }
    features.push_back(std::move(tensor));
  }
  return features;
}

train::LabelledRows Rows(std::int64_t count) {
  train::LabelledRows rows{.columns = Columns(), .features = Features(count, 6, 1)};
  std::mt19937_64 random(5);
  for (std::int64_t i = 0; i < count; ++i) {
    rows.labels.push_back(static_cast<std::uint8_t>(random() % 2));
    rows.group.push_back(static_cast<std::uint32_t>(i));
  }
  return rows;
}

struct Case {
  std::string name;
  std::function<std::unique_ptr<train::TrainableRanker>()> make;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Large enough steps that the logits are far apart.
train::RowOptions Training(bool share) {
  return {.width = 5,
          .spread = 0.5,
          .share_items = share,
          .learning_rate = 0.02,
          .batch = 16,
          .epochs = 8,
          .threads = 1};
}

class RankerParity : public testing::TestWithParam<Case> {};

TEST_P(RankerParity, RowsOfEveryKindAndHistoriesOfOtherLengths) {
  const auto ranker = GetParam().make();
  const auto fitted = ranker->Fit(Rows(200), nullptr, {.seed = 1});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  graph::Builder builder("ranker");
  const Result<graph::Value> logit = ranker->WriteLogit(builder);
  ASSERT_TRUE(logit.ok()) << logit.status().ToString();
  builder.Output("logit", *logit, DType::kFloat32, {"batch"});
  const Result<std::string> bytes = builder.Finish();
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  const auto graph = adapters::LoadedForTest(*bytes);
  ASSERT_NE(graph, nullptr);
  double least = 1;
  double most = 0;
  for (const std::int64_t rows : {1, 40}) {
    for (const std::int64_t places : {1, 4, 9}) {
      const std::vector<Tensor> inputs = Features(rows, places, 7);
      std::vector<float> expected;
      ASSERT_EQ(ranker->Score(inputs, expected), Status());
      std::vector<Tensor> outputs;
      const Status ran = graph->Run(inputs, outputs);
      ASSERT_TRUE(ran.ok()) << ran.ToString();
      ASSERT_EQ(outputs[0].shape(), Shape{rows});
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const double made = 1 / (1 + std::exp(-outputs[0].values<float>()[i]));
        EXPECT_NEAR(made, expected[i], 1e-5) << rows << " rows, " << places << " places, row " << i;
        EXPECT_GT(expected[i], 0);
        EXPECT_LT(expected[i], 1);
        least = std::min<double>(least, expected[i]);
        most = std::max<double>(most, expected[i]);
      }
    }
  }
  EXPECT_GT(most - least, 0.2) << "rows are told apart";
}

INSTANTIATE_TEST_SUITE_P(
    Rankers, RankerParity,
    testing::Values(
        Case{"mlp", [] { return train::MakeMlp({.train = Training(false)}); }},
        Case{"mlp_shared", [] { return train::MakeMlp({.train = Training(true)}); }},
        Case{"linear", [] { return train::MakeMlp({.train = Training(false), .hidden = {}}); }},
        Case{"fm", [] { return train::MakeFm({.train = Training(false)}); }},
        Case{"deepfm", [] { return train::MakeDeepFm({.train = Training(true)}); }},
        Case{"dcn_v2", [] { return train::MakeDcnV2({.train = Training(false)}); }},
        Case{"dcn_v2_stacked",
             [] {
               return train::MakeDcnV2(
                   {.train = Training(true), .rank = 3, .structure = "stacked", .hidden = {}});
             }},
        Case{"din", [] { return train::MakeDin({.train = Training(true)}); }},
        Case{"din_softmax",
             [] { return train::MakeDin({.train = Training(false), .weights = "softmax"}); }}),
    [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace vitrine
