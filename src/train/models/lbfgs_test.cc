#include "train/models/lbfgs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace vitrine::train {
namespace {

TEST(Lbfgs, FindsTheLeastOfABentBowl) {
  // sum_i (i + 1) * (x_i - i)^2 * 10^(i mod 4): curvatures four magnitudes apart.
  constexpr std::size_t kSize = 40;
  const auto bend = [](std::size_t i) { return static_cast<double>(i + 1) * std::pow(10, i % 4); };
  const SmoothFunction bowl = [&](std::span<const double> x, std::span<double> slope) {
    double value = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      const double miss = x[i] - static_cast<double>(i);
      value += bend(i) * miss * miss;
      slope[i] = 2 * bend(i) * miss;
    }
    return value;
  };
  std::vector<double> x(kSize, 0.0);
  const auto outcome = Minimise(bowl, {.steps = 3000, .memory = 10, .tolerance = 1e-7}, {}, x);
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->settled);
  for (std::size_t i = 0; i < kSize; ++i) {
    EXPECT_NEAR(x[i], static_cast<double>(i), 1e-6) << i;
  }
}

TEST(Lbfgs, GoesRoundTheBend) {
  // Rosenbrock's valley, 1960: not convex, and steps along it are what curvature is for.
  const SmoothFunction valley = [](std::span<const double> x, std::span<double> slope) {
    const double a = 1 - x[0];
    const double b = x[1] - x[0] * x[0];
    slope[0] = -2 * a - 400 * x[0] * b;
    slope[1] = 200 * b;
    return a * a + 100 * b * b;
  };
  std::vector<double> x = {-1.2, 1};
  const auto outcome = Minimise(valley, {.steps = 300, .memory = 5, .tolerance = 1e-9}, {}, x);
  ASSERT_TRUE(outcome.ok());
  EXPECT_NEAR(x[0], 1, 1e-5);
  EXPECT_NEAR(x[1], 1, 1e-5);
  EXPECT_LT(outcome->steps, 100);
}

TEST(Lbfgs, SaysWhenThereIsNoNumberAndWhenItIsStopped) {
  const SmoothFunction broken = [](std::span<const double>, std::span<double> slope) {
    slope[0] = 1;
    return std::nan("");
  };
  std::vector<double> x = {0};
  EXPECT_EQ(Minimise(broken, {}, {}, x).status().code(), Code::kInternal);
  std::stop_source stop;
  stop.request_stop();
  Progress progress;
  progress.stop = stop.get_token();
  EXPECT_EQ(Minimise(broken, {}, progress, x).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace vitrine::train
