// The counting floors on the real Beauty file, computed by ONNX Runtime from the graphs that the
// models leave, against an independent implementation (reference/floors).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "parity/exported.h"
#include "train/models/item_knn.h"
#include "train/models/markov.h"
#include "train/models/popularity.h"
#include "train/sequences.h"

namespace vitrine {
namespace {

/// The test runs in the repository's root; data lie beside it or where the variable says.
std::filesystem::path TestData() {
  const char* given = std::getenv("VITRINE_TEST_DATA");
  return given != nullptr ? given : "../shared";
}

/// Leave-one-out: the last item of a user is the target, all before it the input.
struct Beauty {
  train::TrainingSequences inputs;
  std::vector<ItemIndex> targets;
  std::vector<bool> not_same_day;
};

std::map<int, std::string> ReadAsins(const std::filesystem::path& file) {
  std::map<int, std::string> asins;
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const std::size_t tab = line.find('\t');
    asins[std::stoi(line)] = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
  }
  return asins;
}

std::vector<std::vector<int>> ReadSequences(const std::filesystem::path& file) {
  std::vector<std::vector<int>> sequences;
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    int user = 0;
    words >> user;
    std::vector<int>& items = sequences.emplace_back();
    for (int item = 0; words >> item;) {
      items.push_back(item);
    }
  }
  return sequences;
}

/// Items by descending popularity of the inputs, equal ones by number: ItemIndex - 2.
std::map<int, ItemIndex> Number(const std::vector<std::vector<int>>& sequences,
                                const std::map<int, std::string>& asins) {
  std::map<int, int> popularity;
  for (const auto& sequence : sequences) {
    for (std::size_t i = 0; i + 1 < sequence.size(); ++i) {
      ++popularity[sequence[i]];
    }
  }
  std::vector<int> items;
  for (const auto& [item, asin] : asins) {
    items.push_back(item);
  }
  std::sort(items.begin(), items.end(), [&](int a, int b) {
    return popularity[a] != popularity[b] ? popularity[a] > popularity[b] : a < b;
  });
  std::map<int, ItemIndex> index;
  for (const int item : items) {
    index.emplace(item, static_cast<ItemIndex>(index.size()) + kFirstItem);
  }
  return index;
}

Beauty ReadBeauty(const std::filesystem::path& dir) {
  const auto asins = ReadAsins(dir / "items.tsv");
  const auto sequences = ReadSequences(dir / "sequences.txt");
  const auto index = Number(sequences, asins);
  Beauty beauty;
  beauty.inputs.width = index.size() + kFirstItem;
  beauty.inputs.ordinal_time = true;
  for (const auto& sequence : sequences) {
    History& history = beauty.inputs.users.emplace_back();
    for (std::size_t i = 0; i + 1 < sequence.size(); ++i) {
      history.push_back({.item = index.at(sequence[i]),
                         .ts = {static_cast<std::int64_t>(i)},
                         .type = EventType::kPurchase,
                         .basket = static_cast<std::uint32_t>(i)});
    }
    beauty.targets.push_back(index.at(sequence.back()));
    beauty.not_same_day.push_back(asins.at(sequence.back()) <
                                  asins.at(sequence[sequence.size() - 2]));
  }
  return beauty;
}

/// Users [begin, end) as the FeatureSpec writes them: left-padded, as wide as the longest.
std::vector<Tensor> BatchOf(const Beauty& beauty, std::size_t begin, std::size_t end) {
  std::size_t length = 1;
  for (std::size_t u = begin; u < end; ++u) {
    length = std::max(length, beauty.inputs.users[u].size());
  }
  std::vector<std::int64_t> items((end - begin) * length, 0);
  std::vector<std::int64_t> ages(items.size(), -1);
  for (std::size_t u = begin; u < end; ++u) {
    const History& history = beauty.inputs.users[u];
    for (std::size_t age = 0; age < history.size(); ++age) {
      const std::size_t at = (u - begin + 1) * length - 1 - age;
      items[at] = history[history.size() - 1 - age].item;
      ages[at] = static_cast<std::int64_t>(age);
    }
  }
  const Shape shape = {static_cast<std::int64_t>(end - begin), static_cast<std::int64_t>(length)};
  return {Tensor::Of<std::int64_t>("history", shape, items),
          Tensor::Of<std::int64_t>("age", shape, ages)};
}

/// How many candidates stand before the target: higher scores, equal ones by lower index; what the
/// user had is no candidate.
std::size_t RankOf(ItemIndex target, std::span<const double> scores, const History& had) {
  std::vector<bool> out(scores.size(), false);
  for (const HistoryEvent& e : had) {
    out[e.item] = true;
  }
  std::size_t rank = 0;
  for (ItemIndex i = kFirstItem; i < scores.size(); ++i) {
    const bool before = scores[i] != scores[target] ? scores[i] > scores[target] : i < target;
    rank += before && !out[i] ? 1 : 0;
  }
  return rank;
}

std::vector<std::size_t> RanksOf(const Beauty& beauty, const serve::LoadedGraph& graph) {
  std::vector<std::size_t> ranks;
  std::vector<Tensor> outputs;
  const std::size_t width = beauty.inputs.width;
  for (std::size_t begin = 0; begin < beauty.targets.size(); begin += 64) {
    const std::size_t end = std::min(begin + 64, beauty.targets.size());
    const Status ran = graph.Run(BatchOf(beauty, begin, end), outputs);
    if (!ran.ok()) {
      ADD_FAILURE() << ran.ToString();
      return {};
    }
    const auto scores = outputs[0].values<double>();
    for (std::size_t u = begin; u < end; ++u) {
      ranks.push_back(RankOf(beauty.targets[u], scores.subspan((u - begin) * width, width),
                             beauty.inputs.users[u]));
    }
  }
  return ranks;
}

void ExpectMetrics(const std::vector<std::size_t>& ranks, const nlohmann::json& expected,
                   const std::string& name) {
  for (const std::size_t k : {std::size_t{5}, std::size_t{10}, std::size_t{20}}) {
    double hits = 0;
    double gain = 0;
    for (const std::size_t rank : ranks) {
      hits += rank < k ? 1 : 0;
      gain += rank < k ? 1 / std::log2(static_cast<double>(rank) + 2) : 0;
    }
    const auto users = static_cast<double>(ranks.size());
    const double recall = expected.at("recall@" + std::to_string(k));
    const double ndcg = expected.at("ndcg@" + std::to_string(k));
    EXPECT_NEAR(hits / users, recall, 1e-9) << name << " recall@" << k;
    EXPECT_NEAR(gain / users, ndcg, 1e-9) << name << " ndcg@" << k;
  }
}

TEST(FloorsTest, BeautyByOnnxRuntimeEqualsTheReference) {
  const auto data = TestData() / "data/amazon-beauty";
  const auto reference = TestData() / "reference/floors/expected.json";
  if (!std::filesystem::exists(data) || !std::filesystem::exists(reference)) {
    GTEST_SKIP() << "no test data at " << TestData() << " (VITRINE_TEST_DATA names another folder)";
  }
  const Beauty beauty = ReadBeauty(data);
  std::ifstream file(reference);
  const auto expected = nlohmann::json::parse(file).at("amazon-beauty");
  ASSERT_EQ(beauty.targets.size(), expected.at("users"));
  ASSERT_EQ(beauty.inputs.width - kFirstItem, expected.at("items"));

  std::map<std::string, std::unique_ptr<train::TrainableModel>> models;
  models["popularity"] = train::MakePopularity({});
  models["markov"] = train::MakeMarkov({});
  models["item_knn"] = train::MakeItemKnn({});
  models["item_knn_decay"] = train::MakeItemKnn({.decay = .5});
  for (const auto& [name, model] : models) {
    ASSERT_TRUE(model->Fit(beauty.inputs, {}).ok());
    const auto graph = LoadedForTest(*model);
    ASSERT_NE(graph, nullptr);
    const std::vector<std::size_t> ranks = RanksOf(beauty, *graph);
    std::vector<std::size_t> slice;
    for (std::size_t u = 0; u < ranks.size(); ++u) {
      if (beauty.not_same_day[u]) {
        slice.push_back(ranks[u]);
      }
    }
    EXPECT_EQ(slice.size(), expected.at("not_same_day_users"));
    ExpectMetrics(ranks, expected.at(name).at("all"), name);
    ExpectMetrics(slice, expected.at(name).at("not_same_day"), name + "/not_same_day");
  }
}

}  // namespace
}  // namespace vitrine
