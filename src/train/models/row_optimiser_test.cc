#include "train/models/torch_headers.h"

#include "train/models/row_optimiser.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace vitrine::train {
namespace {

constexpr std::int64_t kRows = 5;
constexpr std::int64_t kWidth = 3;

/// A matrix and the table; what it computes is of no account here.
class Weights final : public RowNetwork {
 public:
  Weights() : RowNetwork(LayoutOf({{"a", RankerColumnKind::kLevel, kRows}}, false), kWidth, 1) {
    matrix = register_parameter("matrix", torch::ones({2, 2}));
  }
  torch::Tensor forward(const RowVectors& rows) override { return rows.numbers; }
  graph::Value Write(NetworkGraph& /*graph*/, const RowValues& rows) override {
    return rows.numbers;
  }
  torch::Tensor matrix;
};

/// One number's course as the papers write it, in double.
struct SlowNumber {
  double weight;
  double mean = 0;
  double square = 0;
  int steps = 0;
  void Step(const RowOptions& o, double decay, double gradient) {
    ++steps;
    const bool decoupled = o.optimiser == StepRule::kAdamW;
    const double g = decoupled ? gradient : gradient + decay * weight;
    if (o.optimiser == StepRule::kSgd) {
      mean = o.momentum * mean + g;
      weight -= o.learning_rate * mean;
      return;
    }
    mean = 0.9 * mean + 0.1 * g;
    square = 0.999 * square + 0.001 * g * g;
    const double m = mean / (1 - std::pow(0.9, steps));
    const double v = square / (1 - std::pow(0.999, steps));
    weight -= o.learning_rate * (m / (std::sqrt(v) + 1e-8) + (decoupled ? decay * weight : 0));
  }
};

class RowSteps : public testing::TestWithParam<StepRule> {};

TEST_P(RowSteps, AreThePapersAndLeaveUntouchedVectorsAlone) {
  const RowOptions options{.optimiser = GetParam(),
                           .learning_rate = 0.01,
                           .momentum = 0.8,
                           .weight_decay = 0.1,
                           .vector_decay = 0.3,
                           .clip = 2};
  torch::manual_seed(1);
  Weights network;
  const torch::Tensor begun = network.table.clone();
  std::vector<SlowNumber> table;
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) {
    table.push_back({.weight = begun.flatten()[i].item<double>()});
  }
  std::array<SlowNumber, 4> matrix;
  matrix.fill({.weight = 1});
  SlowNumber bias{.weight = 0};
  RowOptimiser optimiser(options, network);
  std::mt19937 random(3);
  for (int step = 0; step < 30; ++step) {
    std::vector<std::int64_t> touched;
    for (std::int64_t row = 1; row < kRows; ++row) {  // row 0 never
      if (random() % 2 == 0) {
        touched.push_back(row);
      }
    }
    const auto count = static_cast<std::int64_t>(touched.size());
    const torch::Tensor values = torch::randn({count, kWidth});
    const torch::Tensor of_matrix = torch::randn({2, 2});
    const torch::Tensor of_bias = torch::randn({1});
    const double length =
        torch::cat({values.flatten(), of_matrix.flatten(), of_bias}).norm().item<double>();
    const double scale = std::min(1.0, 2 / length);
    optimiser.Clear();
    network.matrix.mutable_grad() = of_matrix.clone();
    network.bias.mutable_grad() = of_bias.clone();
    ASSERT_TRUE(
        optimiser.Step({.rows = torch::tensor(touched, torch::kLong), .values = values.clone()}));
    for (std::int64_t i = 0; i < 4; ++i) {
      matrix[static_cast<std::size_t>(i)].Step(options, 0.1,
                                               scale * of_matrix.flatten()[i].item<double>());
    }
    bias.Step(options, 0, scale * of_bias.item<double>());
    for (std::int64_t i = 0; i < count * kWidth; ++i) {
      const std::int64_t row = touched[static_cast<std::size_t>(i / kWidth)];
      table[static_cast<std::size_t>(row * kWidth + i % kWidth)].Step(
          options, 0.3, scale * values.flatten()[i].item<double>());
    }
  }
  for (std::int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(network.matrix.flatten()[i].item<double>(),
                matrix[static_cast<std::size_t>(i)].weight, 1e-4);
  }
  EXPECT_NEAR(network.bias.item<double>(), bias.weight, 1e-4);
  for (std::int64_t i = 0; i < kRows * kWidth; ++i) {
    EXPECT_NEAR(network.table.flatten()[i].item<double>(),
                table[static_cast<std::size_t>(i)].weight, 1e-4)
        << i;
  }
  EXPECT_TRUE(network.table[0].equal(begun[0]));
  EXPECT_FALSE(network.table[1].equal(begun[1]));
}

INSTANTIATE_TEST_SUITE_P(All, RowSteps,
                         testing::Values(StepRule::kAdam, StepRule::kAdamW, StepRule::kSgd));

TEST(RowOptimiser, AGradientThatIsNoNumberChangesNothing) {
  const RowOptions options;
  Weights network;
  RowOptimiser optimiser(options, network);
  const torch::Tensor before = network.table.clone();
  EXPECT_FALSE(optimiser.Step(
      {.rows = torch::zeros({1}, torch::kLong), .values = torch::full({1, kWidth}, NAN)}));
  EXPECT_TRUE(network.table.equal(before));
}

}  // namespace
}  // namespace vitrine::train
