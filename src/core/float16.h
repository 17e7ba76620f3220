/// IEEE 754 half precision, for tensors that carry it (DType::kFloat16) and texts that show it.
#pragma once

#include <cstdint>

namespace vitrine {

/// Exact.
float FloatOfHalf(std::uint16_t half);
/// Rounds to the nearest, ties to even; what is too large becomes infinite.
std::uint16_t HalfOfFloat(float value);

}  // namespace vitrine
