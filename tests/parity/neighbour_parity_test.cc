// Models that add up tables of neighbours: ONNX Runtime must compute bit for bit what their native Score
// computes, and both what a slow, obvious count computes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/content.h"
#include "train/models/item_knn.h"
#include "train/models/transitions.h"

namespace vitrine {
namespace {

using train::TrainableModel;
using train::TrainingSequences;
using train::TransitionsOptions;

/// table[i][j] over kWidth items.
using Table = std::vector<std::vector<double>>;

Table Zeros() { return Table(kWidth, std::vector<double>(kWidth, 0)); }

bool Known(const HistoryEvent& e) { return e.item >= kFirstItem; }

/// Every pair of places, looked at one by one.
Table SlowTransitions(const TrainingSequences& s, const TransitionsOptions& o) {
  std::int64_t now = 0;
  for (const History& h : s.users) {
    for (const HistoryEvent& e : h) {
      now = std::max(now, e.ts.value);
    }
  }
  Table table = Zeros();
  for (const History& h : s.users) {
    for (std::size_t a = 0; a < h.size(); ++a) {
      for (std::size_t b = a + 1; b < h.size(); ++b) {
        const double d = o.distance == "basket" ? h[b].basket - h[a].basket : double(b - a);
        if (!Known(h[a]) || !Known(h[b]) || d > static_cast<double>(o.window)) {
          continue;
        }
        const double days = static_cast<double>(now - h[b].ts.value) / double{kMicrosPerDay};
        const double age = o.half_life_days > 0 ? std::pow(0.5, days / o.half_life_days) : 1;
        const double w =
            age * (d == 0 ? o.same_basket : std::pow(o.gap_decay, d - 1) * std::pow(d, -o.gap));
        table[h[a].item][h[b].item] += w;
        table[h[b].item][h[a].item] += w * (d == 0 ? 1 : o.backward);
      }
    }
  }
  std::vector<double> from(kWidth, 0);
  std::vector<double> to(kWidth, 0);
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      from[i] += table[i][j];
      to[j] += table[i][j];
    }
  }
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      table[i][j] /=
          table[i][j] > 0 ? std::pow(from[i], o.from_power) * std::pow(to[j], o.to_power) : 1;
    }
  }
  return table;
}

/// table + two_step * table * shares.
Table SlowSecondStep(const Table& table, double two_step) {
  Table both = table;
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t k = 0; k < kWidth; ++k) {
      double total = 0;
      for (const double w : table[k]) {
        total += w;
      }
      for (std::size_t j = 0; j < kWidth && total > 0; ++j) {
        both[i][j] += two_step * table[i][k] * table[k][j] / total;
      }
    }
  }
  return both;
}

Table SlowSimilarity(const TrainingSequences& s, const train::ItemKnnOptions& o) {
  Table both = Zeros();
  for (const History& h : s.users) {
    std::set<ItemIndex> items;
    for (const HistoryEvent& e : h) {
      if (Known(e)) {
        items.insert(e.item);
      }
    }
    for (const ItemIndex i : items) {
      for (const ItemIndex j : items) {
        both[i][j] += std::pow(static_cast<double>(items.size()), -o.user_power);
      }
    }
  }
  Table table = Zeros();
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      if (i != j && both[i][j] > 0) {
        table[i][j] = both[i][j] /
                      (std::pow(both[i][i], o.asymmetry) * std::pow(both[j][j], 1 - o.asymmetry) +
                       o.shrinkage);
      }
    }
  }
  return table;
}

/// Words of an item with their kind, and how often.
std::map<std::string, double> SlowWords(const Item& item) {
  std::map<std::string, double> words;
  std::istringstream title(item.title);
  std::string before;
  for (std::string word; title >> word; before = word) {
    words["t" + word] += 1;
    if (!before.empty()) {
      words["p" + before + " " + word] = 1;
    }
  }
  if (!item.brand.empty()) {
    words["b" + item.brand] = 1;
  }
  for (const std::string& path : item.categories) {
    words["c" + path.substr(0, path.find(" > "))] = 1;
    words["c" + path] = 1;
  }
  for (const std::string& tag : item.tags) {
    words["g" + tag] = 1;
  }
  return words;
}

/// Cosines of TF-IDF and BM25 weights, every item with every other.
Table SlowContent(const TrainingSequences& s, const train::ContentOptions& o) {
  std::vector<std::map<std::string, double>> all(kWidth);
  std::map<std::string, double> holders;
  double described = 0;
  double title_words = 0;
  for (std::size_t i = 0; i < kWidth; ++i) {
    if (s.items[i] != nullptr) {
      all[i] = SlowWords(*s.items[i]);
      ++described;
    }
    for (const auto& [word, count] : all[i]) {
      ++holders[word];
      title_words += word[0] == 't' ? count : 0;
    }
  }
  std::vector<double> length(kWidth, 0);
  for (std::size_t i = 0; i < kWidth; ++i) {
    double own = 0;
    for (const auto& [word, count] : all[i]) {
      own += word[0] == 't' ? count : 0;
    }
    for (auto& [word, value] : all[i]) {
      const double saturated =
          value * 2.2 / (value + 1.2 * (0.25 + 0.75 * own / (title_words / described)));
      const double field = word[0] == 'b'   ? o.fields.brand
                           : word[0] == 'c' ? o.fields.categories
                           : word[0] == 'g' ? o.fields.tags
                           : word[0] == 'p' ? o.fields.phrases
                                            : o.fields.title * saturated;
      value = field * std::log(1 + described / holders[word]);
      length[i] += value * value;
    }
  }
  Table table = Zeros();
  for (std::size_t i = 0; i < kWidth; ++i) {
    for (std::size_t j = 0; j < kWidth; ++j) {
      for (const auto& [word, value] : all[i]) {
        if (i != j && holders[word] <= static_cast<double>(o.widest) && all[j].contains(word)) {
          table[i][j] += value * all[j][word] / std::sqrt(length[i] * length[j]);
        }
      }
    }
  }
  return table;
}

/// The catalogue that every case sees.
TrainingSequences DescribedSequences(unsigned seed) {
  static const std::vector<Item> items = RandomItems(3);
  TrainingSequences sequences = RandomSequences(seed);
  sequences.items = PointersTo(items);
  return sequences;
}

struct NeighbourCase {
  std::string name;
  double decay;
  std::function<std::unique_ptr<TrainableModel>()> make;
  std::function<Table(const TrainingSequences&)> slow;
};

NeighbourCase TransitionsCase(const std::string& name, const TransitionsOptions& options) {
  return {.name = name,
          .decay = options.places.decay,
          .make = [options] { return train::MakeTransitions(options); },
          .slow =
              [options](const TrainingSequences& s) {
                const Table table = SlowTransitions(s, options);
                return options.two_step > 0 ? SlowSecondStep(table, options.two_step) : table;
              }};
}

NeighbourCase KnnCase(const std::string& name, const train::ItemKnnOptions& options) {
  return {.name = name,
          .decay = options.decay,
          .make = [options] { return train::MakeItemKnn(options); },
          .slow = [options](const TrainingSequences& s) { return SlowSimilarity(s, options); }};
}

NeighbourCase ContentCase(const std::string& name, const train::ContentOptions& options) {
  return {.name = name,
          .decay = options.places.decay,
          .make = [options] { return train::MakeContent(options); },
          .slow = [options](const TrainingSequences& s) { return SlowContent(s, options); }};
}

std::vector<NeighbourCase> Cases() {
  return {
      ContentCase("content", {}),
      ContentCase("content_narrow",
                  {.fields = {.title = 1, .phrases = 2, .brand = .5, .categories = 2, .tags = 0.25},
                   .widest = 15}),
      TransitionsCase("transitions", {}),
      TransitionsCase("transitions_short",
                      {.window = 2, .gap = 0, .places = {.decay = 1, .unit = "basket"}}),
      TransitionsCase("transitions_both_ways", {.gap_decay = .5, .backward = 1}),
      TransitionsCase("transitions_baskets",
                      {.window = 3, .distance = "basket", .backward = .25, .same_basket = .5}),
      TransitionsCase("transitions_fading", {.half_life_days = 9}),
      TransitionsCase("transitions_cosine", {.backward = .5, .from_power = .5, .to_power = .5}),
      TransitionsCase("transitions_two_steps", {.window = 1, .from_power = .3, .two_step = .4}),
      KnnCase("item_knn_asymmetric", {.decay = .5, .asymmetry = .8}),
      KnnCase("item_knn_shrunk", {.shrinkage = 10}),
      KnnCase("item_knn_users", {.decay = .7, .shrinkage = 1, .user_power = .5}),
  };
}

class NeighbourParity : public testing::TestWithParam<NeighbourCase> {};

TEST_P(NeighbourParity, NativeGraphAndSlowCountAgree) {
  const TrainingSequences sequences = DescribedSequences(7);
  const std::unique_ptr<TrainableModel> model = GetParam().make();
  ASSERT_EQ(model->Fit(sequences, {}).status(), Status());
  const std::unique_ptr<serve::LoadedGraph> graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const Table table = GetParam().slow(sequences);
  double above_zero = 0;
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {1, 17}, {5, 1}, {33, 12}};
  for (const auto& [rows, length] : sizes) {
    const std::vector<Tensor> batch = RandomBatch(static_cast<unsigned>(rows * 100), rows, length);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    const auto served = outputs[0].values<double>();
    ASSERT_THAT(served, testing::ElementsAreArray(native.values<double>()));
    const auto items = batch[1].values<std::int64_t>();
    const auto ages = batch[0].values<std::int64_t>();
    const auto places = static_cast<std::size_t>(length);
    for (std::size_t i = 0; i < served.size(); ++i) {
      double expected = 0;
      for (std::size_t p = i / kWidth * places; p < (i / kWidth + 1) * places; ++p) {
        expected += std::pow(GetParam().decay, ages[p]) *
                    table[static_cast<std::size_t>(items[p])][i % kWidth];
      }
      above_zero += expected > 0 ? 1 : 0;
      // The table is kept in float32.
      ASSERT_NEAR(served[i], expected, 1e-6 * std::max(1.0, expected)) << "cell " << i;
    }
  }
  EXPECT_GT(above_zero, 100) << "the cases say nothing";
}

INSTANTIATE_TEST_SUITE_P(Models, NeighbourParity, testing::ValuesIn(Cases()),
                         [](const auto& p) { return p.param.name; });

TEST(NeighbourParityTest, NothingCountedStillLoadsAndScoresZero) {
  TrainingSequences empty;
  empty.width = 4;
  for (const NeighbourCase& c : Cases()) {
    if (c.name.starts_with("content")) {
      continue;  // needs a catalogue, and then finds items that nobody had
    }
    const auto model = c.make();
    ASSERT_EQ(model->Fit(empty, {}).status(), Status()) << c.name;
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

TEST(NeighbourParityTest, FittingStopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  train::FitContext context;
  context.progress.stop = stop.get_token();
  for (const NeighbourCase& c : Cases()) {
    EXPECT_EQ(c.make()->Fit(DescribedSequences(1), context).status().code(), Code::kCancelled)
        << c.name;
  }
}

TEST(NeighbourParityTest, OptionsThatCannotBeAreRefused) {
  TrainingSequences sequences = RandomSequences(1);
  const auto refused = [&](const TransitionsOptions& options) {
    return train::MakeTransitions(options)->Fit(sequences, {}).status();
  };
  EXPECT_THAT(refused({.window = 0}).message(), testing::HasSubstr("window"));
  EXPECT_THAT(refused({.distance = "mile"}).message(), testing::HasSubstr("distance"));
  EXPECT_THAT(refused({.places = {.decay = 0, .unit = "position"}}).message(),
              testing::HasSubstr("decay"));
  EXPECT_THAT(refused({.places = {.unit = "week"}}).message(), testing::HasSubstr("unit"));
  EXPECT_EQ(train::MakeItemKnn({.asymmetry = 2})->Fit(sequences, {}).status().code(),
            Code::kInvalidArgument);
  sequences.ordinal_time = true;
  EXPECT_EQ(refused({.half_life_days = 3}).code(), Code::kFailedPrecondition);
}

TEST(NeighbourParityTest, ContentNeedsACatalogueAndFindsItemsThatNobodyHad) {
  const auto model = train::MakeContent({});
  EXPECT_EQ(model->Fit(RandomSequences(1), {}).status().code(), Code::kFailedPrecondition);
  TrainingSequences described = DescribedSequences(1);
  const ItemIndex fresh = kWidth - 1;  // RandomSequences never draws it
  ASSERT_NE(described.items[fresh], nullptr);
  ASSERT_EQ(model->Fit(described, {}).status(), Status());
  std::vector<std::int64_t> all;
  for (std::int64_t i = kFirstItem; i < fresh; ++i) {
    all.push_back(i);
  }
  const Shape shape = {1, static_cast<std::int64_t>(all.size())};
  const std::vector<Tensor> inputs = {
      Tensor::Of<std::int64_t>("history", shape, all),
      Tensor::Of<std::int64_t>("age", shape, std::vector<std::int64_t>(all.size(), 0))};
  Tensor scores;
  ASSERT_EQ(model->Score(inputs, scores), Status());
  EXPECT_GT(scores.values<double>()[fresh], 0);
  described.items.assign(kWidth, nullptr);
  EXPECT_THAT(model->Fit(described, {}).status().message(), testing::HasSubstr("title"));
}

TEST(NeighbourParityTest, FewerNeighboursAreTheBestOfAll) {
  const TrainingSequences sequences = RandomSequences(3);
  const auto all = train::MakeTransitions({});
  const auto best = train::MakeTransitions({.neighbours = 4});
  ASSERT_TRUE(all->Fit(sequences, {}).ok());
  ASSERT_TRUE(best->Fit(sequences, {}).ok());
  const std::vector<Tensor> one = {
      Tensor::Of<std::int64_t>("history", {1, 1}, std::vector<std::int64_t>{5}),
      Tensor::Of<std::int64_t>("age", {1, 1}, std::vector<std::int64_t>{0})};
  Tensor with_all;
  Tensor with_best;
  ASSERT_TRUE(all->Score(one, with_all).ok());
  ASSERT_TRUE(best->Score(one, with_best).ok());
  std::vector<double> sorted(with_all.values<double>().begin(), with_all.values<double>().end());
  std::sort(sorted.rbegin(), sorted.rend());
  double kept = 0;
  for (std::size_t i = 0; i < kWidth; ++i) {
    const double score = with_best.values<double>()[i];
    kept += score > 0 ? 1 : 0;
    EXPECT_EQ(score, with_all.values<double>()[i] >= sorted[3] ? with_all.values<double>()[i] : 0);
  }
  EXPECT_EQ(kept, 4);
}

}  // namespace
}  // namespace vitrine
