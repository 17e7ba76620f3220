#include "search/vector_codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace vitrine::search {
namespace {

// What the terms say, worked out from the codes alone.
CodeTerms Oracle(const std::vector<float>& values, const std::vector<std::int8_t>& codes,
                 float scale) {
  long double length = 0;
  long double code_length = 0;
  long double error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<long double>(values[i]);
    const long double decoded = static_cast<long double>(scale) * codes[i];
    length += value * value;
    code_length += decoded * decoded;
    error += (value - decoded) * (value - decoded);
  }
  return {.scale = scale,
          .length = static_cast<double>(std::sqrt(length)),
          .code_length = static_cast<double>(std::sqrt(code_length)),
          .error = static_cast<double>(std::sqrt(error))};
}

void ExpectTrue(const CodeTerms& terms, const CodeTerms& want) {
  EXPECT_NEAR(terms.length, want.length, want.length * 1e-12);
  EXPECT_NEAR(terms.code_length, want.code_length, want.code_length * 1e-12);
  EXPECT_NEAR(terms.error, want.error, want.error * 1e-12);
}

TEST(VectorCodes, EachIsNearestAndTheErrorIsWhatIsLeft) {
  std::mt19937 engine(1);
  std::normal_distribution<float> draw;
  for (const float size : {1e-15F, 1.0F, 1e17F}) {
    for (const int levels : {64, 127}) {
      std::vector<float> values(77);
      for (float& value : values) {
        value = draw(engine) * size;
      }
      std::vector<std::int8_t> codes(values.size());
      const CodeTerms terms = Encode(values, levels, codes.data());
      EXPECT_GT(terms.scale, 0);
      int largest = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_LE(std::abs(values[i] - terms.scale * codes[i]), terms.scale * 0.50001F);
        largest = std::max(largest, std::abs(int{codes[i]}));
      }
      EXPECT_EQ(largest, levels);
      ExpectTrue(terms, Oracle(values, codes, terms.scale));
    }
  }
}

TEST(VectorCodes, WhatIsTooSmallForAScaleIsAllError) {
  for (const float size : {0.0F, std::numeric_limits<float>::denorm_min(), 1e-38F, 1e-17F}) {
    const std::vector<float> values = {size, -size, size / 2};
    std::vector<std::int8_t> codes = {9, 9, 9};
    const CodeTerms terms = Encode(values, 127, codes.data());
    EXPECT_EQ(terms.scale, 0);
    EXPECT_EQ(codes, std::vector<std::int8_t>(3));
    EXPECT_EQ(terms.code_length, 0);
    EXPECT_EQ(terms.error, terms.length);
    ExpectTrue(terms, Oracle(values, codes, 0));
  }
}

TEST(VectorCodes, RoundUpIsTheNextFloatOrTheSame) {
  EXPECT_EQ(RoundUp(0.0), 0.0F);
  EXPECT_EQ(RoundUp(0.5), 0.5F);
  EXPECT_EQ(RoundUp(1.0 + 1e-12), std::nextafter(1.0F, 2.0F));
  EXPECT_EQ(RoundUp(1e-60), std::numeric_limits<float>::denorm_min());
  EXPECT_GE(static_cast<double>(RoundUp(0.1)), 0.1);
  EXPECT_GE(static_cast<double>(RoundUp(0.3)), 0.3);
}

}  // namespace
}  // namespace vitrine::search
