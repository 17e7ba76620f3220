/// A vector of floats as small integers with one scale, and how far off they may be. What is said
/// here of lengths and errors holds to the last bit: the search proves from it that it leaves out
/// no item (docs/search.md).
/// Threads: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vitrine::search {

/// Longer vectors are refused, so that no product of two overflows a float.
inline constexpr double kLongestVector = 1e18;

/// What codes leave out of a vector. Lengths are Euclidean.
struct CodeTerms {
  float scale = 0;         ///< a value is about scale x its code
  double length = 0;       ///< of the vector
  double code_length = 0;  ///< of scale x codes
  double error = 0;        ///< of the vector less scale x codes
};

/// Writes a code in [-levels, levels] for each value. Values so small that their scale would
/// lose bits get the codes 0 and scale 0: all of them is error then.
/// Shapes:  values and codes of one size.
/// Precondition: values are finite, 0 < levels <= 127.
CodeTerms Encode(std::span<const float> values, int levels, std::int8_t* codes);

/// The smallest float that is not below `value`.
float RoundUp(double value);

}  // namespace vitrine::search
