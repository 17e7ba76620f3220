// Counting models in ONNX Runtime must compute bit for bit what their native Score computes, and
// both what a slow, obvious count computes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/golden_json.h"
#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/item_knn.h"
#include "train/models/markov.h"
#include "train/models/personal.h"
#include "train/models/popularity.h"
#include "train/models/sparse_rows.h"
#include "train/sequences.h"

namespace vitrine {
namespace {

using train::TrainableModel;
using train::TrainingSequences;

struct Case {
  std::string name;
  std::function<std::unique_ptr<TrainableModel>()> make;
  /// Score of one item, counted slowly from the sequences and one row of history and ages.
  std::function<double(const TrainingSequences&, std::span<const std::int64_t>,
                       std::span<const std::int64_t>, ItemIndex)>
      slow;
};

bool Has(const History& history, std::int64_t item) {
  return std::any_of(history.begin(), history.end(),
                     [&](const HistoryEvent& e) { return e.item == item; });
}

double SlowCosine(const TrainingSequences& s, std::int64_t i, std::int64_t j) {
  double both = 0;
  double with_i = 0;
  double with_j = 0;
  for (const History& history : s.users) {
    with_i += Has(history, i) ? 1 : 0;
    with_j += Has(history, j) ? 1 : 0;
    both += Has(history, i) && Has(history, j) ? 1 : 0;
  }
  return i == j || both == 0 ? 0 : both / std::sqrt(with_i * with_j);
}

double SlowKnn(double decay, const TrainingSequences& s, std::span<const std::int64_t> items,
               std::span<const std::int64_t> ages, ItemIndex j) {
  double score = 0;
  for (std::size_t p = 0; p < items.size(); ++p) {
    if (items[p] >= kFirstItem) {
      score += std::pow(decay, ages[p]) * SlowCosine(s, items[p], j);
    }
  }
  return score;
}

double SlowMarkov(const TrainingSequences& s, std::span<const std::int64_t> items,
                  std::span<const std::int64_t>, ItemIndex j) {
  double score = 0;
  for (const History& history : s.users) {
    for (std::size_t p = 1; p < history.size(); ++p) {
      score += history[p - 1].item == items.back() && history[p].item == j ? 1 : 0;
    }
  }
  return items.back() >= kFirstItem ? score : 0;
}

double SlowPersonal(double decay, const TrainingSequences&, std::span<const std::int64_t> items,
                    std::span<const std::int64_t> ages, ItemIndex j) {
  double score = 0;
  for (std::size_t p = 0; p < items.size(); ++p) {
    score += items[p] == j ? std::pow(decay, ages[p]) : 0;
  }
  return score;
}

double SlowPopularity(double half_life, bool baskets, const TrainingSequences& s,
                      std::span<const std::int64_t>, std::span<const std::int64_t>, ItemIndex j) {
  std::int64_t now = 0;
  std::map<std::pair<std::size_t, std::uint32_t>, std::int64_t> newest;
  for (std::size_t u = 0; u < s.users.size(); ++u) {
    for (const HistoryEvent& e : s.users[u]) {
      now = std::max(now, e.ts.value);
      if (e.item == j) {
        std::int64_t& ts =
            newest.emplace(std::pair(u, baskets ? e.basket : 0), e.ts.value).first->second;
        ts = std::max(ts, e.ts.value);
      }
    }
  }
  double score = 0;
  for (const auto& [key, ts] : newest) {
    const double days = static_cast<double>(now - ts) / double{kMicrosPerDay};
    score += half_life > 0 ? std::pow(0.5, days / half_life) : 1;
  }
  return score;
}

std::vector<Case> Cases() {
  using std::placeholders::_1;
  using std::placeholders::_2;
  using std::placeholders::_3;
  using std::placeholders::_4;
  using Count = train::PopularityOptions::Count;
  return {
      {"popularity_users", [] { return train::MakePopularity({}); },
       std::bind(SlowPopularity, 0, false, _1, _2, _3, _4)},
      {"popularity_baskets", [] { return train::MakePopularity({.count = Count::kBaskets}); },
       std::bind(SlowPopularity, 0, true, _1, _2, _3, _4)},
      {"popularity_decayed", [] { return train::MakePopularity({.half_life_days = 7}); },
       std::bind(SlowPopularity, 7, false, _1, _2, _3, _4)},
      {"markov", [] { return train::MakeMarkov({}); }, SlowMarkov},
      {"item_knn", [] { return train::MakeItemKnn({}); }, std::bind(SlowKnn, 1, _1, _2, _3, _4)},
      {"item_knn_decay", [] { return train::MakeItemKnn({.decay = .5}); },
       std::bind(SlowKnn, .5, _1, _2, _3, _4)},
      {"personal", [] { return train::MakePersonal({}); },
       std::bind(SlowPersonal, 1, _1, _2, _3, _4)},
      {"personal_decay", [] { return train::MakePersonal({.decay = .8}); },
       std::bind(SlowPersonal, .8, _1, _2, _3, _4)},
  };
}

class CountingParity : public testing::TestWithParam<Case> {};

TEST_P(CountingParity, NativeGraphAndSlowCountAgree) {
  const TrainingSequences sequences = RandomSequences(7);
  const std::unique_ptr<TrainableModel> model = GetParam().make();
  ASSERT_TRUE(model->Fit(sequences, {}).ok());
  const std::unique_ptr<serve::LoadedGraph> graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);

  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {1, 17}, {5, 1}, {33, 12}};
  for (const auto& [rows, length] : sizes) {
    const std::vector<Tensor> batch = RandomBatch(static_cast<unsigned>(rows * 100), rows, length);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    ASSERT_EQ(outputs.size(), 1U);
    ASSERT_EQ(outputs[0].name(), "scores");
    ASSERT_EQ(outputs[0].shape(), (Shape{rows, kWidth}));
    const auto served = outputs[0].values<double>();
    const auto fitted = native.values<double>();
    ASSERT_EQ(served.size(), fitted.size());
    for (std::size_t i = 0; i < served.size(); ++i) {
      ASSERT_EQ(served[i], fitted[i]) << "row " << i / kWidth << " item " << i % kWidth;
    }
    const auto items = batch[1].values<std::int64_t>();
    const auto ages = batch[0].values<std::int64_t>();
    const auto places = static_cast<std::size_t>(length);
    for (std::size_t i = 0; i < served.size(); ++i) {
      const std::size_t row = i / kWidth;
      const auto item = static_cast<ItemIndex>(i % kWidth);
      const double expected = item < kFirstItem
                                  ? 0
                                  : GetParam().slow(sequences, items.subspan(row * places, places),
                                                    ages.subspan(row * places, places), item);
      ASSERT_NEAR(served[i], expected, 1e-12 * std::max(1.0, expected))
          << "row " << row << " item " << item;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, CountingParity, testing::ValuesIn(Cases()),
                         [](const auto& p) { return p.param.name; });

TEST(CountingParityTest, KeepingTheBestNeighboursKeepsTheirScores) {
  const TrainingSequences sequences = RandomSequences(3);
  const auto all = train::MakeItemKnn({});
  const auto best = train::MakeItemKnn({.neighbours = 4});
  ASSERT_TRUE(all->Fit(sequences, {}).ok());
  ASSERT_TRUE(best->Fit(sequences, {}).ok());
  const std::vector<Tensor> one = {
      Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{5})};
  Tensor with_all;
  Tensor with_best;
  ASSERT_TRUE(all->Score(one, with_all).ok());
  ASSERT_TRUE(best->Score(one, with_best).ok());
  const graph::GoldenRow top = graph::TopOf(with_all.values<double>());
  const graph::GoldenRow cut = graph::TopOf(with_best.values<double>());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(cut.items[i], top.items[i]);
    EXPECT_EQ(cut.scores[i], top.scores[i]);
  }
  EXPECT_GT(top.scores[4], 0);
  EXPECT_EQ(cut.scores[4], 0);
  const auto graph = LoadedForTest(*best);
  std::vector<Tensor> outputs;
  ASSERT_TRUE(graph->Run(one, outputs).ok());
  EXPECT_THAT(outputs[0].values<double>(), testing::ElementsAreArray(with_best.values<double>()));
}

TEST(CountingParityTest, ManyItemsKeepAsManyPairsAsAFileHolds) {
  EXPECT_EQ(train::EntriesPerRow(7, 100'000), 7U) << "what is asked for";
  EXPECT_GT(train::EntriesPerRow(0, 8'000), 8'000U) << "all of a small shop's";
  for (const std::size_t items : {20'000U, 100'000U, 500'000U}) {
    const std::size_t kept = train::EntriesPerRow(0, items);
    EXPECT_LE(kept * items, std::size_t{64} << 20);
    EXPECT_GE(kept, 100U);
  }
  EXPECT_EQ(train::EntriesPerRow(0, 5'000'000), 100U);
}

TEST(CountingParityTest, NothingCountedStillLoadsAndScoresZero) {
  TrainingSequences empty;
  empty.width = 4;
  for (const Case& c : Cases()) {
    const auto model = c.make();
    ASSERT_TRUE(model->Fit(empty, {}).ok()) << c.name;
    const auto graph = LoadedForTest(*model);
    ASSERT_NE(graph, nullptr) << c.name;
    const std::vector<Tensor> batch = {
        Tensor::Of<std::int64_t>("history", {2, 2}, std::vector<std::int64_t>{0, 0, 0, 1}),
        Tensor::Of<std::int64_t>("age", {2, 2}, std::vector<std::int64_t>{-1, -1, -1, 0})};
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status()) << c.name;
    EXPECT_THAT(outputs[0].values<double>(), testing::Each(0.0)) << c.name;
  }
}

TEST(CountingParityTest, AHalfLifeNeedsTimes) {
  TrainingSequences sequences = RandomSequences(1);
  sequences.ordinal_time = true;
  const auto fitted = train::MakePopularity({.half_life_days = 3})->Fit(sequences, {});
  EXPECT_EQ(fitted.status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(fitted.status().message(), testing::HasSubstr("half_life_days"));
}

TEST(CountingParityTest, FittingStopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  train::FitContext context;
  context.progress.stop = stop.get_token();
  const TrainingSequences sequences = RandomSequences(1);
  for (const auto& model :
       {train::MakePopularity({}), train::MakeMarkov({}), train::MakeItemKnn({})}) {
    EXPECT_EQ(model->Fit(sequences, context).status().code(), Code::kCancelled);
  }
}

TEST(CountingParityTest, WrongOptionsAndHistoriesAreRefused) {
  const TrainingSequences sequences = RandomSequences(1);
  EXPECT_EQ(train::MakeItemKnn({.decay = 0})->Fit(sequences, {}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(train::MakePersonal({.decay = 1.5})->Fit(sequences, {}).status().code(),
            Code::kInvalidArgument);
  const auto model = train::MakeItemKnn({});
  ASSERT_TRUE(model->Fit(sequences, {}).ok());
  Tensor scores;
  const std::vector<Tensor> outside = {
      Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{kWidth})};
  EXPECT_THAT(model->Score(outside, scores).message(), testing::HasSubstr("vocabulary ends at 59"));
  EXPECT_THAT(model->Score({}, scores).message(), testing::HasSubstr("'history' is missing"));
}

}  // namespace
}  // namespace vitrine
