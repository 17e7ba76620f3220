#include "train/models/row_adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>

namespace vitrine::train {
namespace {

/// Adam with decoupled decay as its paper writes it, in double, one number at a time.
struct SlowAdam {
  double mean = 0;
  double square = 0;
  int steps = 0;
  void Step(const RowAdamOptions& o, double gradient, double& weight) {
    ++steps;
    mean = o.beta1 * mean + (1 - o.beta1) * gradient;
    square = o.beta2 * square + (1 - o.beta2) * gradient * gradient;
    const double m = mean / (1 - std::pow(o.beta1, steps));
    const double v = square / (1 - std::pow(o.beta2, steps));
    weight -= o.learning_rate * (m / (std::sqrt(v) + o.epsilon) + o.weight_decay * weight);
  }
};

TEST(RowAdam, StepsAsThePaperDoesAndLeavesUntouchedRowsAlone) {
  constexpr std::int64_t kRows = 7;
  constexpr std::int64_t kWidth = 5;
  const RowAdamOptions options{.learning_rate = 0.01, .weight_decay = 0.1};
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  RowAdam adam(kRows, kWidth);
  std::vector<float> table(kRows * kWidth, 0.5F);
  std::vector<double> expected(kRows * kWidth, 0.5);
  std::vector<SlowAdam> slow(kRows * kWidth);
  for (int step = 0; step < 40; ++step) {
    std::vector<std::int64_t> touched;
    for (std::int64_t row = kRows - 1; row > 0; --row) {  // row 0 never
      if (random() % 2 == 0) {
        touched.push_back(row);
      }
    }
    std::vector<float> gradients(touched.size() * kWidth);
    for (float& gradient : gradients) {
      gradient = normal(random);
    }
    adam.Step(options, 0.5F, touched, gradients, table);
    for (std::size_t i = 0; i < touched.size(); ++i) {
      for (std::size_t j = 0; j < kWidth; ++j) {
        const std::size_t at = static_cast<std::size_t>(touched[i]) * kWidth + j;
        slow[at].Step(options, 0.5 * gradients[i * kWidth + j], expected[at]);
      }
    }
  }
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_NEAR(table[i], expected[i], 1e-5) << i;
  }
  EXPECT_EQ(table[0], 0.5F);
  EXPECT_EQ(adam.steps[0], 0);
}

TEST(RowAdam, AllRowsAtOnceIsTheSameAsNamingThem) {
  const RowAdamOptions options;
  RowAdam all(3, 2);
  RowAdam named(3, 2);
  std::vector<float> a(6, 1.0F);
  std::vector<float> b = a;
  const std::vector<float> gradients = {1, -2, 3, 0.5F, 0, -1};
  const std::vector<std::int64_t> rows = {0, 1, 2};
  for (int step = 0; step < 3; ++step) {
    all.StepAll(options, 1, gradients, a);
    named.Step(options, 1, rows, gradients, b);
  }
  EXPECT_EQ(a, b);
  EXPECT_NE(a, std::vector<float>(6, 1.0F));
}

}  // namespace
}  // namespace vitrine::train
