#include "train/models/torch_headers.h"

#include "train/models/sequence_losses.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::train {
namespace {

torch::Tensor Random(at::IntArrayRef sizes) {
  return torch::randn(sizes, torch::kDouble).to(torch::kFloat);
}

double LargestGap(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

/// Loss and gradients are those of LibTorch's own cross-entropy, in doubles.
void ExpectStock(const torch::Tensor& states, const torch::Tensor& items, double smoothing,
                 double loss_gap, double states_gap) {
  const torch::Tensor wanted = torch::randint(0, items.size(0), {states.size(0)}, torch::kLong);
  const LossGradients made = SoftmaxOverAll(states, wanted, items, smoothing);
  const torch::Tensor s = states.to(torch::kDouble).requires_grad_(true);
  const torch::Tensor e = items.to(torch::kDouble).requires_grad_(true);
  const torch::Tensor loss = torch::nn::functional::cross_entropy(
      s.matmul(e.t()), wanted,
      torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(smoothing));
  loss.backward();
  EXPECT_NEAR(made.loss, loss.item<double>(), loss_gap);
  EXPECT_LT(LargestGap(made.states, s.grad()), states_gap);
  EXPECT_LT(LargestGap(made.items, e.grad()), 1e-6);
}

TEST(SoftmaxOverAll, IsTheStockCrossEntropyAndItsGradients) {
  torch::manual_seed(5);
  for (const double smoothing : {0.0, 0.2}) {
    // More places than one chunk holds, and not a multiple of it.
    ExpectStock(Random({300, 8}), Random({40, 8}), smoothing, 1e-6, 1e-7);
  }
}

TEST(SoftmaxOverAll, ManyItemsAreTheStockCrossEntropyToo) {
  torch::manual_seed(8);
  for (const double smoothing : {0.0, 0.1}) {
    // More items than a tile holds, and not a multiple of it; the largest logit in any of them.
    ExpectStock(Random({40, 8}) * 3, Random({2300, 8}), smoothing, 1e-5, 1e-6);
  }
}

// A place that counts three times is three places.
TEST(SoftmaxOverAll, WholeWeightsAreRepeats) {
  torch::manual_seed(6);
  const torch::Tensor states = Random({70, 8});
  const torch::Tensor items = Random({30, 8});
  const torch::Tensor wanted = torch::randint(0, 30, {70}, torch::kLong);
  const torch::Tensor times = torch::randint(0, 4, {70}, torch::kLong);
  const torch::Tensor repeated = torch::repeat_interleave(times);
  const double scale = static_cast<double>(repeated.size(0)) / 70;
  for (const double smoothing : {0.0, 0.2}) {
    const LossGradients made =
        SoftmaxOverAll(states, wanted, items, smoothing, times.to(torch::kFloat));
    const LossGradients slow = SoftmaxOverAll(states.index_select(0, repeated),
                                              wanted.index_select(0, repeated), items, smoothing);
    EXPECT_NEAR(made.loss, slow.loss * scale, 1e-5);
    EXPECT_LT(LargestGap(made.items, slow.items * scale), 1e-6);
    const LossGradients once = SoftmaxOverAll(states, wanted, items, smoothing, torch::ones({70}));
    const LossGradients plain = SoftmaxOverAll(states, wanted, items, smoothing);
    EXPECT_LT(LargestGap(once.states, plain.states), 1e-7);
  }
}

TEST(SoftmaxOverAll, LargeLogitsStayFinite) {
  const torch::Tensor states = torch::full({3, 4}, 50.0F);
  const torch::Tensor items = torch::full({5, 4}, 50.0F);
  const LossGradients made =
      SoftmaxOverAll(states, torch::zeros({3}, torch::kLong), items, /*smoothing=*/0);
  EXPECT_NEAR(made.loss, std::log(5.0), 1e-3);
}

/// One place at a time, from the definitions.
class SampledLossTest : public testing::Test {
 protected:
  static constexpr std::int64_t kItems = 50;
  SampledLossTest() {
    torch::manual_seed(2);
    sampled_ = {.states = Random({6, 4}),
                .positives = Random({6, 4}),
                .negatives = Random({3, 4}),
                .same = torch::zeros({6, 3}, torch::kBool)};
    sampled_.same[2][1] = true;
  }
  double Made(Loss loss, double calibration = 0) const {
    SequenceOptions options;
    options.loss = loss;
    options.calibration = calibration;
    return SampledLoss(options, sampled_, kItems).item<double>();
  }
  double Positive(std::int64_t place) const {
    return sampled_.states[place].dot(sampled_.positives[place]).item<double>();
  }
  double Negative(std::int64_t place, std::int64_t k) const {
    return sampled_.states[place].dot(sampled_.negatives[k]).item<double>();
  }
  bool Counts(std::int64_t place, std::int64_t k) const {
    return !sampled_.same[place][k].item<bool>();
  }
  static double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
  Sampled sampled_;
};

TEST_F(SampledLossTest, WholeWeightsAreRepeats) {
  const torch::Tensor times = torch::tensor({0, 1, 2, 3, 1, 2}, torch::kLong);
  const torch::Tensor repeated = torch::repeat_interleave(times);
  for (const Loss loss : {Loss::kSampledSoftmax, Loss::kBce, Loss::kGbce, Loss::kBpr}) {
    SequenceOptions options;
    options.loss = loss;
    Sampled weighed = sampled_;
    weighed.weights = times.to(torch::kFloat);
    const Sampled slow = {.states = sampled_.states.index_select(0, repeated),
                          .positives = sampled_.positives.index_select(0, repeated),
                          .negatives = sampled_.negatives,
                          .same = sampled_.same.index_select(0, repeated)};
    EXPECT_NEAR(SampledLoss(options, weighed, kItems).item<double>() * 6,
                SampledLoss(options, slow, kItems).item<double>() * 9, 1e-4);
  }
}

// More places than a chunk holds.
TEST(SampledSoftmax, IsTheLossAndItsGradientsByAutograd) {
  torch::manual_seed(9);
  constexpr std::int64_t kPlaces = 300;
  constexpr std::int64_t kDrawn = 37;
  constexpr std::int64_t kItems = 90;
  const torch::Tensor wanted = torch::randint(0, kItems, {kPlaces}, torch::kLong);
  const torch::Tensor drawn = torch::randint(0, kItems, {kDrawn}, torch::kLong);
  const torch::Tensor times = torch::randint(0, 4, {kPlaces}, torch::kLong).to(torch::kFloat);
  for (const torch::Tensor& weights : {torch::Tensor(), times}) {
    Sampled sampled{.states = Random({kPlaces, 8}).requires_grad_(true),
                    .positives = Random({kPlaces, 8}).requires_grad_(true),
                    .negatives = Random({kDrawn, 8}).requires_grad_(true),
                    .same = drawn.unsqueeze(0).eq(wanted.unsqueeze(1)),
                    .weights = weights};
    ASSERT_TRUE(sampled.same.any().item<bool>());
    const torch::Tensor loss = SampledLoss(SequenceOptions(), sampled, kItems);
    loss.backward();
    const SampledGradients made = SampledSoftmax(sampled, kItems);
    EXPECT_NEAR(made.loss, loss.item<double>(), 1e-5);
    EXPECT_LT(LargestGap(made.states, sampled.states.grad()), 1e-6);
    EXPECT_LT(LargestGap(made.positives, sampled.positives.grad()), 1e-6);
    EXPECT_LT(LargestGap(made.negatives, sampled.negatives.grad()), 1e-6);
  }
}

TEST_F(SampledLossTest, SampledSoftmax) {
  double expected = 0;
  for (std::int64_t i = 0; i < 6; ++i) {
    double sum = std::exp(Positive(i));
    for (std::int64_t k = 0; k < 3; ++k) {
      sum += Counts(i, k) ? std::exp(Negative(i, k)) * kItems / 3 : 0;
    }
    expected += (std::log(sum) - Positive(i)) / 6;
  }
  EXPECT_NEAR(Made(Loss::kSampledSoftmax), expected, 1e-5);
}

TEST_F(SampledLossTest, BinaryAndGeneralisedBinary) {
  const auto expected = [this](double power) {
    double sum = 0;
    for (std::int64_t i = 0; i < 6; ++i) {
      sum -= power * std::log(Sigmoid(Positive(i)));
      for (std::int64_t k = 0; k < 3; ++k) {
        sum -= Counts(i, k) ? std::log(1 - Sigmoid(Negative(i, k))) : 0;
      }
    }
    return sum / (6 * 4);
  };
  const double rate = 3.0 / (kItems - 1);
  EXPECT_NEAR(Made(Loss::kBce), expected(1), 1e-5);
  EXPECT_NEAR(Made(Loss::kGbce, 0), expected(1), 1e-5);
  EXPECT_NEAR(Made(Loss::kGbce, 1), expected(rate), 1e-5);
  EXPECT_NEAR(Made(Loss::kGbce, 0.75), expected(0.75 * rate + 0.25), 1e-5);
}

TEST_F(SampledLossTest, PairwiseRanking) {
  double expected = 0;
  for (std::int64_t i = 0; i < 6; ++i) {
    for (std::int64_t k = 0; k < 3; ++k) {
      expected -= Counts(i, k) ? std::log(Sigmoid(Positive(i) - Negative(i, k))) : 0;
    }
  }
  EXPECT_NEAR(Made(Loss::kBpr), expected / 18, 1e-5);
}

}  // namespace
}  // namespace vitrine::train
