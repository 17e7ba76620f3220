#include "train/models/row_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace vitrine::train {
namespace {

TEST(RowKernels, ExpAndSumAsTheStandardLibraryDoes) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> draw(-80, 0);
  for (const std::size_t size : {0U, 1U, 7U, 8U, 31U, 1000U}) {
    std::vector<float> row(size);
    for (float& x : row) {
      x = draw(random) + 5;
    }
    std::vector<float> made = row;
    const float shift = 5;
    const float sum = ExpAndSum(made.data(), size, shift);
    double expected = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double e = std::exp(double{row[i]} - shift);
      EXPECT_NEAR(made[i] / e, 1, 1e-6) << row[i];
      expected += e;
    }
    EXPECT_NEAR(sum, expected, 1e-5 * expected);
    EXPECT_EQ(Largest(row.data(), size), size == 0 ? -std::numeric_limits<float>::infinity()
                                                   : *std::max_element(row.begin(), row.end()));
  }
}

TEST(RowKernels, ExtremesStayFiniteAndNoNumberStaysNone) {
  std::vector<float> row = {0, -1e9F, -87, -88, -std::numeric_limits<float>::infinity()};
  ExpAndSum(row.data(), row.size(), 0);
  EXPECT_EQ(row[0], 1);
  for (std::size_t i = 1; i < row.size(); ++i) {
    EXPECT_LT(row[i], 2e-38F);
    EXPECT_GE(row[i], 0);
  }
  std::vector<float> none = {0, std::nanf(""), -1};
  EXPECT_TRUE(std::isnan(ExpAndSum(none.data(), none.size(), 0)));
}

TEST(RowKernels, AMaskKeepsItsShareAndIsItsSeeds) {
  constexpr std::size_t kSize = 400'003;
  std::vector<float> first(kSize);
  std::vector<float> again(kSize);
  std::vector<float> other(kSize);
  for (const double keep : {0.1, 0.5, 0.7}) {
    const auto value = static_cast<float>(1 / keep);
    DrawMask(7, keep, value, first.data(), kSize);
    DrawMask(7, keep, value, again.data(), kSize);
    DrawMask(7 + (std::uint64_t{1} << 32), keep, value, other.data(), kSize);
    EXPECT_EQ(first, again);
    std::size_t kept = 0;
    std::size_t both = 0;
    std::size_t neighbours = 0;
    for (std::size_t i = 0; i < kSize; ++i) {
      EXPECT_TRUE(first[i] == 0 || first[i] == value);
      kept += first[i] != 0 ? 1U : 0U;
      both += first[i] != 0 && other[i] != 0 ? 1U : 0U;
      neighbours += i > 0 && first[i] != 0 && first[i - 1] != 0 ? 1U : 0U;
    }
    const double slack = 4 * std::sqrt(static_cast<double>(kSize)) / 2;
    EXPECT_NEAR(static_cast<double>(kept), keep * kSize, slack);
    EXPECT_NEAR(static_cast<double>(both), keep * keep * kSize, slack) << "another seed's";
    EXPECT_NEAR(static_cast<double>(neighbours), keep * keep * kSize, slack);
  }
}

}  // namespace
}  // namespace vitrine::train
