#include "core/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vitrine {
namespace {

/// By the definition of the format.
double Slow(std::uint16_t half) {
  const double sign = (half & 0x8000U) != 0 ? -1 : 1;
  const int exponent = (half >> 10) & 0x1F;
  const int fraction = half & 0x3FF;
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Float16, EveryHalfIsExactAndComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = FloatOfHalf(half);
    if ((half & 0x7C00U) == 0x7C00U) {
      EXPECT_EQ(std::isnan(value), (half & 0x3FFU) != 0) << bits;
      EXPECT_EQ(std::isinf(value), (half & 0x3FFU) == 0) << bits;
      continue;
    }
    EXPECT_EQ(static_cast<double>(value), Slow(half)) << bits;
    EXPECT_EQ(HalfOfFloat(value), half) << bits;
  }
}

TEST(Float16, BetweenTwoHalvesTheNearerOneWinsAndTiesGoToEven) {
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const double low = Slow(static_cast<std::uint16_t>(bits));
    const double high = Slow(static_cast<std::uint16_t>(bits + 1));
    const auto middle = static_cast<float>((low + high) / 2);  // exact: one bit more than a half
    EXPECT_EQ(HalfOfFloat(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
    EXPECT_EQ(HalfOfFloat(std::nextafter(middle, 0.0F)), bits) << bits;
    EXPECT_EQ(HalfOfFloat(std::nextafter(middle, 1e9F)), bits + 1) << bits;
  }
}

TEST(Float16, TheLargeAndTheUndefined) {
  EXPECT_EQ(HalfOfFloat(65504), 0x7BFF);
  EXPECT_EQ(HalfOfFloat(65519), 0x7BFF);
  EXPECT_EQ(HalfOfFloat(65520), 0x7C00);
  EXPECT_EQ(HalfOfFloat(-1e30F), 0xFC00);
  EXPECT_EQ(HalfOfFloat(std::numeric_limits<float>::infinity()), 0x7C00);
  EXPECT_TRUE(std::isnan(FloatOfHalf(HalfOfFloat(std::numeric_limits<float>::quiet_NaN()))));
}

}  // namespace
}  // namespace vitrine
