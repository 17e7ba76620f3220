/// Loops over rows of floats that training of networks spends its time in, for the widest vectors of the
/// processor. The same bits for the same numbers on one processor. No LibTorch. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine::train {

/// The largest of `size` numbers; -infinity where there is none.
float Largest(const float* row, std::size_t size);

/// row[i] becomes exp(row[i] - shift), none of which may be above 1; returns their sum. Relative error below
/// 1e-6; what is below e^-87 becomes e^-87.
float ExpAndSum(float* row, std::size_t size, float shift);

/// out[i] is `value` with probability `keep`, else 0: a hash of i under `seed`.
void DrawMask(std::uint64_t seed, double keep, float value, float* out, std::size_t size);

}  // namespace vitrine::train
