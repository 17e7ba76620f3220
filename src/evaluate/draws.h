/// Draws of the bootstrap: the n-th is a function of seed and n alone.
/// Threads: a value, one caller.   Source: Steele, Lea & Flood 2014 (splitmix64)
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine::evaluate {

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}

  /// Uniform in [0, n), n < 2^32; the multiply-shift bias is below n / 2^64.
  std::size_t Below(std::size_t n) {
    return static_cast<std::size_t>((static_cast<Wide>(Next()) * n) >> 64U);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t state_;
};

}  // namespace vitrine::evaluate
