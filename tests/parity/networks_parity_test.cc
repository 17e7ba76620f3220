// The graph of every network answers in the serving runtime what the network answers in LibTorch.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_testing.h"
#include "parity/exported.h"
#include "train/models/bert4rec.h"
#include "train/models/bsarec.h"
#include "train/models/caser.h"
#include "train/models/gru4rec.h"
#include "train/models/nextitnet.h"
#include "train/models/sasrec.h"
#include "train/models/two_tower.h"
#include "train/sequences.h"

namespace vitrine {
namespace {

constexpr std::size_t kWidth = 40;

/// Some items of a brand and with words in common, one that is not described.
const std::vector<Item>& Catalogue() {
  static const std::vector<Item> catalogue = [] {
    std::vector<Item> items(kWidth);
    for (std::size_t i = 0; i < kWidth; ++i) {
      items[i].id = std::to_string(i);
      items[i].brand = "brand " + std::to_string(i % 5);
      items[i].title = "word" + std::to_string(i % 7) + " word" + std::to_string(i % 3);
    }
    return items;
  }();
  return catalogue;
}

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
  sequences.items.assign(kWidth, nullptr);
  for (std::size_t i = kFirstItem; i + 1 < kWidth; ++i) {
    sequences.items[i] = &Catalogue()[i];
  }
  return sequences;
}

train::SequenceOptions Training() {
  return {.length = 8, .width = 16, .negatives = 8, .batch = 16, .epochs = 3, .threads = 1};
}

struct Case {
  std::string name;
  std::function<std::unique_ptr<train::TrainableModel>()> make;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class NetworkParity : public testing::TestWithParam<Case> {};

TEST_P(NetworkParity, WholePaddedRemovedAndEmptyHistories) {
  const auto model = GetParam().make();
  const auto fitted = model->Fit(Wandering(), {.seed = 1});
  ASSERT_TRUE(fitted.ok()) << fitted.status().ToString();
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  // Of three lengths: shorter than the network's, as long, and one place.
  const std::array<std::int64_t, 24> short_items = {5, 6, 7, 8, 0, 0, 9, 10, 4, 0, 6, 7,
                                                    3, 4, 5, 0, 0, 1, 0, 0,  0, 0, 0, 39};
  const std::array<std::int64_t, 16> long_items = {5, 6, 7, 8, 9, 10, 11, 12,
                                                   0, 0, 0, 5, 0, 9,  1,  12};
  const std::array<std::int64_t, 2> single_items = {7, 0};
  for (const Tensor& history : {Tensor::Of<std::int64_t>("history", {6, 4}, short_items),
                                Tensor::Of<std::int64_t>("history", {2, 8}, long_items),
                                Tensor::Of<std::int64_t>("history", {2, 1}, single_items)}) {
    const std::vector<Tensor> inputs = {history};
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
}

INSTANTIATE_TEST_SUITE_P(
    Networks, NetworkParity,
    testing::Values(
        Case{"sasrec", [] { return train::MakeSasrec({.train = Training()}); }},
        Case{"ligr", [] { return train::MakeSasrec({.train = Training(), .block = "ligr"}); }},
        Case{"bert4rec", [] { return train::MakeBert4rec({.train = Training()}); }},
        Case{"bsarec", [] { return train::MakeBsarec({.train = Training(), .heads = 2}); }},
        Case{"bsarec_all", [] { return train::MakeBsarec({.train = Training(), .sees = "all"}); }},
        Case{"nextitnet", [] { return train::MakeNextitnet({.train = Training(), .blocks = 2}); }},
        Case{"gru", [] { return train::MakeGru4rec({.train = Training(), .hidden = 12}); }},
        Case{
            "lstm",
            [] { return train::MakeGru4rec({.train = Training(), .hidden = 12, .cell = "lstm"}); }},
        Case{"caser", [] { return train::MakeCaser({.train = Training(), .window = 3}); }},
        Case{"two_tower", [] { return train::MakeTwoTower({.train = Training(), .hidden = 24}); }},
        Case{"two_tower_mean",
             [] { return train::MakeTwoTower({.train = Training(), .pool = "mean"}); }}),
    [](const auto& named) { return named.param.name; });

}  // namespace
}  // namespace vitrine
