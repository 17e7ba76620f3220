// The graph of SASRec answers in the serving runtime what the network answers in LibTorch.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "adapters/onnxruntime/graph_testing.h"
#include "parity/exported.h"
#include "train/models/sasrec.h"
#include "train/sequences.h"

namespace vitrine {
namespace {

constexpr std::size_t kWidth = 40;

train::TrainingSequences Wandering() {
  std::mt19937 random(11);
  train::TrainingSequences sequences{.users = {}, .width = kWidth, .ordinal_time = true};
  for (int u = 0; u < 50; ++u) {
    History history;
    for (int i = 0; i < 7; ++i) {
      history.push_back({.item = kFirstItem + static_cast<ItemIndex>(random() % (kWidth - 2))});
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

TEST(SasrecParity, WholePaddedRemovedAndEmptyHistories) {
  const auto model = train::MakeSasrec({.length = 8,
                                        .width = 16,
                                        .blocks = 2,
                                        .heads = 2,
                                        .batch = 16,
                                        .negatives = 8,
                                        .epochs = 3,
                                        .threads = 1});
  ASSERT_TRUE(model->Fit(Wandering(), {.seed = 1}).ok());
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const std::array<std::int64_t, 24> items = {5, 6, 7, 8, 0, 0, 9, 10, 4, 0, 6, 7,
                                              3, 4, 5, 0, 0, 1, 0, 0,  0, 0, 0, 39};
  const std::vector<Tensor> inputs = {Tensor::Of<std::int64_t>("history", {6, 4}, items)};
  Tensor expected;
  ASSERT_TRUE(model->Score(inputs, expected).ok());
  std::vector<Tensor> outputs;
  const Status ran = graph->Run(inputs, outputs);
  ASSERT_TRUE(ran.ok()) << ran.ToString();
  ASSERT_EQ(outputs[0].shape(), expected.shape());
  for (std::size_t i = 0; i < expected.values<float>().size(); ++i) {
    ASSERT_TRUE(std::isfinite(outputs[0].values<float>()[i])) << i;
    EXPECT_NEAR(outputs[0].values<float>()[i], expected.values<float>()[i], 1e-4) << i;
  }
}

}  // namespace
}  // namespace vitrine
