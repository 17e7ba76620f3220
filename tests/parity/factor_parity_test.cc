// Models of factors in ONNX Runtime against their native Score, and ALS against the equations it solves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "parity/exported.h"
#include "parity/random_shop.h"
#include "train/models/als.h"
#include "train/models/bpr.h"

namespace vitrine {
namespace {

using train::TrainableModel;
using train::TrainingSequences;

struct Case {
  std::string name;
  std::function<std::unique_ptr<TrainableModel>()> make;
};

std::vector<Case> Cases() {
  return {{"als", [] { return train::MakeAls({.factors = 16, .iterations = 4}); }},
          {"als_as_fitted", [] { return train::MakeAls({.factors = 8, .decay = 1}); }},
          {"bpr", [] { return train::MakeBpr({.factors = 16, .epochs = 10}); }}};
}

class FactorParity : public testing::TestWithParam<Case> {};

TEST_P(FactorParity, NativeAndGraphAgree) {
  const auto model = GetParam().make();
  ASSERT_EQ(model->Fit(RandomSequences(7), {.seed = 1}).status(), Status());
  const auto graph = LoadedForTest(*model);
  ASSERT_NE(graph, nullptr);
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1}, {1, 17}, {5, 1}, {33, 12}};
  for (const auto& [rows, length] : sizes) {
    const std::vector<Tensor> batch = RandomBatch(static_cast<unsigned>(rows * 100), rows, length);
    Tensor native;
    ASSERT_EQ(model->Score(batch, native), Status());
    std::vector<Tensor> outputs;
    ASSERT_EQ(graph->Run(batch, outputs), Status());
    ASSERT_EQ(outputs[0].shape(), native.shape());
    const auto served = outputs[0].values<float>();
    for (std::size_t i = 0; i < served.size(); ++i) {
      ASSERT_TRUE(std::isfinite(served[i])) << i;
      ASSERT_NEAR(served[i], native.values<float>()[i], 1e-5) << "cell " << i;
    }
  }
}

TEST_P(FactorParity, EqualSeedsGiveEqualBits) {
  const auto one = GetParam().make();
  const auto two = GetParam().make();
  ASSERT_TRUE(one->Fit(RandomSequences(7), {.seed = 5}).ok());
  ASSERT_TRUE(two->Fit(RandomSequences(7), {.seed = 5}).ok());
  const auto vectors = one->ItemVectors();
  const auto again = two->ItemVectors();
  if (!vectors || !again) {
    FAIL() << "a dense model has item vectors";
  }
  EXPECT_EQ(vectors->values, again->values);
}

TEST_P(FactorParity, StopsWhenAskedAndRefusesNothingToLearn) {
  std::stop_source stop;
  stop.request_stop();
  train::FitContext context;
  context.progress.stop = stop.get_token();
  EXPECT_EQ(GetParam().make()->Fit(RandomSequences(1), context).status().code(), Code::kCancelled);
  TrainingSequences empty;
  empty.width = 4;
  EXPECT_EQ(GetParam().make()->Fit(empty, {}).status().code(), Code::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Models, FactorParity, testing::ValuesIn(Cases()),
                         [](const auto& p) { return p.param.name; });

/// Two kinds of shoppers, who never take what the other kind does.
TrainingSequences TwoKinds() {
  std::mt19937 random(2);
  TrainingSequences sequences;
  sequences.width = kFirstItem + 20;
  for (unsigned u = 0; u < 80; ++u) {
    History history;
    for (int i = 0; i < 6; ++i) {
      history.push_back({.item = kFirstItem + u % 2 * 10 + static_cast<ItemIndex>(random() % 10)});
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

TEST(FactorModels, LearnWhoTakesWhat) {
  for (const Case& c : Cases()) {
    const auto model = c.make();
    ASSERT_EQ(model->Fit(TwoKinds(), {.seed = 1}).status(), Status()) << c.name;
    const std::vector<Tensor> asked = {
        Tensor::Of<std::int64_t>("history", {2, 2}, std::vector<std::int64_t>{2, 3, 12, 13}),
        Tensor::Of<std::int64_t>("age", {2, 2}, std::vector<std::int64_t>{1, 0, 1, 0})};
    Tensor scores;
    ASSERT_EQ(model->Score(asked, scores), Status());
    for (std::size_t row = 0; row < 2; ++row) {
      const auto own = scores.values<float>().subspan(row * 22 + 2 + row * 10, 10);
      const auto other = scores.values<float>().subspan(row * 22 + 2 + (1 - row) * 10, 10);
      EXPECT_GT(std::accumulate(own.begin(), own.end(), 0.0F),
                2 * std::accumulate(other.begin(), other.end(), 0.0F))
          << c.name << " row " << row;
    }
  }
}

/// Solves a small dense system by elimination.
std::vector<double> Solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = k + 1; i < n; ++i) {
      const double f = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) {
        a[i][j] -= f * a[k][j];
      }
      b[i] -= f * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) {
      b[k] -= a[k][j] * b[j];
    }
    b[k] /= a[k][k];
  }
  return b;
}

TEST(AlsTest, AHistoryAsksWithTheSolutionOfItsOwnEquations) {
  const train::AlsOptions o{.factors = 8, .regularisation = .05, .unobserved = .2, .decay = .7};
  const auto model = train::MakeAls(o);
  ASSERT_EQ(model->Fit(RandomSequences(7), {.seed = 1}).status(), Status());
  const auto vectors = model->ItemVectors();
  ASSERT_TRUE(vectors.has_value());
  const auto y = [&](std::size_t item, std::size_t k) {
    return double{vectors->values[item * 8 + k]};
  };
  const std::vector<std::int64_t> items = {5, 1, 9, 3};
  std::vector<std::vector<double>> a(8, std::vector<double>(8, 0));
  std::vector<double> right(8, 0);
  double places = 0;
  for (std::size_t p = 0; p < items.size(); ++p) {
    const double w = items[p] >= 2 ? std::pow(o.decay, 3 - static_cast<double>(p)) : 0;
    places += w;
    for (std::size_t k = 0; k < 8; ++k) {
      right[k] += w * y(static_cast<std::size_t>(items[p]), k);
      for (std::size_t l = 0; l < 8; ++l) {
        a[k][l] +=
            w * y(static_cast<std::size_t>(items[p]), k) * y(static_cast<std::size_t>(items[p]), l);
      }
    }
  }
  for (std::size_t k = 0; k < 8; ++k) {
    for (std::size_t i = 0; i < kWidth; ++i) {
      for (std::size_t l = 0; l < 8; ++l) {
        a[k][l] += o.unobserved * y(i, k) * y(i, l);
      }
    }
    a[k][k] += o.regularisation * (places + o.unobserved * (kWidth - 2));
  }
  const std::vector<double> x = Solve(a, right);
  const std::vector<Tensor> asked = {
      Tensor::Of<std::int64_t>("history", {1, 4}, items),
      Tensor::Of<std::int64_t>("age", {1, 4}, std::vector<std::int64_t>{3, 2, 1, 0})};
  Tensor scores;
  ASSERT_EQ(model->Score(asked, scores), Status());
  for (std::size_t i = 0; i < kWidth; ++i) {
    double expected = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      expected += x[k] * y(i, k);
    }
    EXPECT_NEAR(scores.values<float>()[i], expected, 1e-5) << i;
  }
}

TEST(AlsTest, WrongOptionsAreRefused) {
  const TrainingSequences sequences = RandomSequences(1);
  EXPECT_THAT(train::MakeAls({.factors = 10})->Fit(sequences, {}).status().message(),
              testing::HasSubstr("multiple of 8"));
  EXPECT_THAT(train::MakeAls({.regularisation = 0})->Fit(sequences, {}).status().message(),
              testing::HasSubstr("regularisation"));
  EXPECT_THAT(train::MakeBpr({.decay = 0})->Fit(sequences, {}).status().message(),
              testing::HasSubstr("decay"));
}

}  // namespace
}  // namespace vitrine
