#include "search/vector_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vitrine::search {
namespace {

// Below it a product of two scales and a whole number may be subnormal, and bits get lost.
constexpr float kSmallestScale = 0x1p-60F;

}  // namespace

CodeTerms Encode(std::span<const float> values, int levels, std::int8_t* codes) {
  CodeTerms terms;
  float largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::abs(value));
  }
  const float scale = largest / static_cast<float>(levels);
  terms.scale = scale < kSmallestScale ? 0 : scale;
  const double inverse = terms.scale == 0 ? 0 : 1.0 / static_cast<double>(terms.scale);
  double length = 0;
  double code_length = 0;
  double error = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<double>(values[i]);
    // Half away from zero. The quotient may round beyond the largest code by a hair.
    const double nearest = std::trunc(value * inverse + std::copysign(0.5, value));
    const double code = std::clamp(nearest, -double(levels), double(levels));
    codes[i] = static_cast<std::int8_t>(code);
    const double decoded = code * static_cast<double>(terms.scale);
    length += value * value;
    code_length += decoded * decoded;
    error += (value - decoded) * (value - decoded);
  }
  terms.length = std::sqrt(length);
  terms.code_length = std::sqrt(code_length);
  terms.error = std::sqrt(error);
  return terms;
}

float RoundUp(double value) {
  const auto nearest = static_cast<float>(value);
  return static_cast<double>(nearest) < value
             ? std::nextafter(nearest, std::numeric_limits<float>::infinity())
             : nearest;
}

}  // namespace vitrine::search
