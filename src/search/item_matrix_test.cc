#include "search/item_matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace vitrine::search {
namespace {

using testing::HasSubstr;

TEST(ItemMatrix, HoldsEveryRowPaddedAndAligned) {
  std::mt19937 engine(3);
  std::normal_distribution<float> draw;
  constexpr std::size_t kRows = 131;
  constexpr std::size_t kWidth = 19;
  std::vector<float> values(kRows * kWidth);
  for (float& value : values) {
    value = draw(engine);
  }
  const auto matrix = ItemMatrix::Make(values, kRows, kWidth);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(matrix->rows(), kRows);
  EXPECT_EQ(matrix->width(), kWidth);
  EXPECT_EQ(matrix->stride(), 32U);
  EXPECT_EQ(matrix->blocks(), 3U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix->values()) % 64, 0U);
  for (std::size_t row = 0; row < matrix->blocks() * kBlockRows; ++row) {
    const BlockTerms& terms = matrix->terms(row / kBlockRows);
    for (std::size_t j = 0; j < matrix->stride(); ++j) {
      const float value = row < kRows && j < kWidth ? values[row * kWidth + j] : 0;
      EXPECT_EQ(matrix->values()[row * matrix->stride() + j], value);
      if (row < kRows) {
        const std::size_t lane = j / 4 * kBlockRows + row % kBlockRows;
        const int code = matrix->codes(row / kBlockRows)[lane * 4 + j % 4] - kRowCodeOffset;
        const float scale = terms.scale[row % kBlockRows];
        EXPECT_NEAR(static_cast<float>(code) * scale, value, scale * 0.50001F);
      }
    }
  }
}

TEST(ItemMatrix, MayBeEmpty) {
  const auto matrix = ItemMatrix::Make({}, 0, 5);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(matrix->blocks(), 0U);
}

TEST(ItemMatrix, RefusesWhatItCannotHold) {
  const auto refused = [](const std::vector<float>& values, std::size_t rows, std::size_t width) {
    const auto matrix = ItemMatrix::Make(values, rows, width);
    EXPECT_EQ(matrix.status().code(), Code::kInvalidArgument);
    return matrix.status().message();
  };
  EXPECT_THAT(refused({}, 3, 0), HasSubstr("have 0 values"));
  EXPECT_THAT(refused({}, 0, kWidestVector + 1), HasSubstr("16385"));
  EXPECT_THAT(refused({1, 2, 3}, 2, 2), HasSubstr("3 values are not 2 item vectors of 2"));
  EXPECT_THAT(refused({}, std::size_t{1} << 32U, 1), HasSubstr("0 values are not"));
  // rows x width wraps around to the size that is given
  EXPECT_THAT(refused({}, std::size_t{1} << 63U, 2), HasSubstr("0 values are not"));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(refused({1, 2, nan, 4}, 2, 2), HasSubstr("item vector 1 has a value"));
  EXPECT_THAT(refused({1, -infinity, 3, 4}, 2, 2), HasSubstr("item vector 0 has a value"));
  EXPECT_THAT(refused({1, 1.1e18F}, 2, 1), HasSubstr("item vector 1 is longer"));
  EXPECT_THAT(refused({8e17F, 8e17F}, 1, 2), HasSubstr("item vector 0 is longer"));
  EXPECT_TRUE(ItemMatrix::Make(std::vector<float>{1e18F, 0}, 1, 2).ok());
}

}  // namespace
}  // namespace vitrine::search
