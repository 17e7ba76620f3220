// ease in ONNX Runtime against its native Score, and its weights against a slow inverse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/ease.h"

namespace vitrine {
namespace {

using Table = std::vector<std::vector<double>>;

/// Gauss-Jordan, as at school.
Table Inverse(Table a) {
  const std::size_t n = a.size();
  Table inverse(n, std::vector<double>(n, 0));
  for (std::size_t i = 0; i < n; ++i) {
    inverse[i][i] = 1;
  }
  for (std::size_t k = 0; k < n; ++k) {
    const double pivot = a[k][k];
    for (std::size_t j = 0; j < n; ++j) {
      a[k][j] /= pivot;
      inverse[k][j] /= pivot;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double f = i == k ? 0 : a[i][k];
      for (std::size_t j = 0; j < n; ++j) {
        a[i][j] -= f * a[k][j];
        inverse[i][j] -= f * inverse[k][j];
      }
    }
  }
  return inverse;
}

/// Weights of the first `items` of the vocabulary, 0 where not above 0.
Table SlowEase(const train::TrainingSequences& s, double lambda, double user_power,
               std::size_t items) {
  Table gram(items, std::vector<double>(items, 0));
  for (const History& h : s.users) {
    std::set<ItemIndex> own;
    for (const HistoryEvent& e : h) {
      if (e.item >= kFirstItem) {
        own.insert(e.item);
      }
    }
    for (const ItemIndex i : own) {
      for (const ItemIndex j : own) {
        if (i - kFirstItem < items && j - kFirstItem < items) {
          gram[i - kFirstItem][j - kFirstItem] +=
              std::pow(static_cast<double>(own.size()), -user_power);
        }
      }
    }
  }
  for (std::size_t i = 0; i < items; ++i) {
    gram[i][i] += lambda;
  }
  const Table p = Inverse(gram);
  Table weights(kWidth, std::vector<double>(kWidth, 0));
  for (std::size_t i = 0; i < items; ++i) {
    for (std::size_t j = 0; j < items; ++j) {
      weights[i + 2][j + 2] = i == j ? 0 : std::max(0.0, -p[i][j] / p[j][j]);
    }
  }
  return weights;
}

// Twice as heavy a row stands against four times lambda.
TEST(EaseParity, WeightsOfExamplesWeighTheRows) {
  train::TrainingSequences sequences = RandomSequences(7);
  const auto plain = train::MakeEase({.regularisation = 5});
  ASSERT_EQ(plain->Fit(sequences, {}).status(), Status());
  for (const History& history : sequences.users) {
    sequences.weights.emplace_back(history.size(), 2.0F);
  }
  const auto heavy = train::MakeEase({.regularisation = 20});
  ASSERT_EQ(heavy->Fit(sequences, {}).status(), Status());
  const std::vector<Tensor> batch = RandomBatch(1, 9, 5);
  Tensor one;
  Tensor two;
  ASSERT_EQ(plain->Score(batch, one), Status());
  ASSERT_EQ(heavy->Score(batch, two), Status());
  for (std::size_t i = 0; i < one.values<double>().size(); ++i) {
    EXPECT_NEAR(one.values<double>()[i], two.values<double>()[i], 1e-4) << i;
  }
}

TEST(EaseParity, NativeGraphAndSlowInverseAgree) {
  const train::TrainingSequences sequences = RandomSequences(7);
  for (const auto& [items, user_power] : {std::pair(58, 0.0), std::pair(20, 0.5)}) {
    const auto model = train::MakeEase({.regularisation = 5,
                                        .items = static_cast<std::size_t>(items),
                                        .user_power = user_power,
                                        .places = {.decay = .5, .unit = "position"}});
    ASSERT_EQ(model->Fit(sequences, {}).status(), Status());
    const auto graph = LoadedForTest(*model);
    ASSERT_NE(graph, nullptr);
    const Table weights = SlowEase(sequences, 5, user_power, static_cast<std::size_t>(items));
    const std::vector<Tensor> batch = RandomBatch(9, 33, 12);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    const auto served = outputs[0].values<double>();
    ASSERT_THAT(served, testing::ElementsAreArray(native.values<double>()));
    const auto ages = batch[0].values<std::int64_t>();
    const auto history = batch[1].values<std::int64_t>();
    for (std::size_t i = 0; i < served.size(); ++i) {
      double expected = 0;
      for (std::size_t p = i / kWidth * 12; p < (i / kWidth + 1) * 12; ++p) {
        expected +=
            std::pow(.5, ages[p]) * weights[static_cast<std::size_t>(history[p])][i % kWidth];
      }
      ASSERT_NEAR(served[i], expected, 1e-4) << i;
    }
  }
}

TEST(EaseParity, NothingToLearnStopsAndWrongOptions) {
  train::TrainingSequences empty;
  empty.width = 2;
  EXPECT_EQ(train::MakeEase({})->Fit(empty, {}).status(), Status());
  const train::TrainingSequences sequences = RandomSequences(1);
  std::stop_source stop;
  stop.request_stop();
  train::FitContext context;
  context.progress.stop = stop.get_token();
  EXPECT_EQ(train::MakeEase({})->Fit(sequences, context).status().code(), Code::kCancelled);
  EXPECT_EQ(train::MakeEase({.regularisation = 0})->Fit(sequences, {}).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(train::MakeEase({.neighbours = 0})->Fit(sequences, {}).status().code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine
