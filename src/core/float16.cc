#include "core/float16.h"

#include <bit>

namespace vitrine {

float FloatOfHalf(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  std::uint32_t fraction = half & 0x3FFU;
  if (exponent == 0x1F) {
    return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);
  }
  if (exponent != 0) {
    return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  }
  if (fraction == 0) {
    return std::bit_cast<float>(sign);
  }
  // Subnormal: shifted until its leading one stands where a normal number hides it.
  std::uint32_t shifted = 113;
  for (; (fraction & 0x400U) == 0; fraction <<= 1) {
    --shifted;
  }
  return std::bit_cast<float>(sign | shifted << 23 | (fraction & 0x3FFU) << 13);
}

std::uint16_t HalfOfFloat(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude >= 0x7F800000U) {  // infinite, or not a number, which stays one
    const std::uint32_t fraction =
        magnitude > 0x7F800000U ? 0x200U | (magnitude >> 13 & 0x3FFU) : 0;
    return static_cast<std::uint16_t>(sign | 0x7C00U | fraction);
  }
  if (magnitude >= 0x477FF000U) {  // rounds beyond the largest half
    return static_cast<std::uint16_t>(sign | 0x7C00U);
  }
  if (magnitude >= 0x38800000U) {  // normal
    const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1U);
    return static_cast<std::uint16_t>(sign | (rounded - 0x38000000U) >> 13);
  }
  if (magnitude <= 0x33000000U) {  // half of the smallest subnormal, or less
    return sign;
  }
  const std::uint32_t shift = 126 - (magnitude >> 23);  // 14 to 24
  const std::uint32_t fraction = (magnitude & 0x7FFFFFU) | 0x800000U;
  const std::uint32_t kept = fraction >> shift;
  const std::uint32_t rest = fraction & ((1U << shift) - 1);
  const std::uint32_t half = 1U << (shift - 1);
  const bool up = rest > half || (rest == half && (kept & 1U) != 0);
  return static_cast<std::uint16_t>(sign | (kept + (up ? 1U : 0U)));
}

}  // namespace vitrine
