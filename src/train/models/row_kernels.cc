#include "train/models/row_kernels.h"

#include <bit>
#include <limits>

// Each loop is written once, without vectors, and compiled for two processors: the compiler makes
// vectors of what is inlined into a function of its target.
#define INLINE [[gnu::always_inline]] inline

namespace vitrine::train {
namespace {

/// e^x for x <= 0: 2^n e^r with |r| <= ln 2 / 2, e^r by the polynomial of the Cephes library (expf.c).
INLINE float Exp(float x) {
  x = x < -87.0F ? -87.0F : x;
  // Adding 1.5 * 2^23 rounds to a whole number, which stands in the sum's lowest bits.
  constexpr float kRound = 12582912.0F;
  const float turned = x * 1.44269504088896341F + kRound;
  const float n = turned - kRound;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float fraction = p * r * r + r + 1.0F;
  const std::int32_t exponent = std::bit_cast<std::int32_t>(turned) - 0x4B400000 + 127;
  return fraction * std::bit_cast<float>(exponent << 23);
}

INLINE float LargestOf(const float* row, std::size_t size) {
  float most = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : most)
  for (std::size_t i = 0; i < size; ++i) {
    most = row[i] > most ? row[i] : most;
  }
  return most;
}

INLINE float ExpAndSumOf(float* row, std::size_t size, float shift) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < size; ++i) {
    const float e = Exp(row[i] - shift);
    row[i] = e;
    sum += e;
  }
  return sum;
}

/// Neighbouring seeds become unlike ones: SplitMix64's finaliser (Steele et al., OOPSLA 2014).
std::uint64_t Mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// The rounds of lowbias32 (Wellons, hash-prospector) and one more, the seed's halves before the first two.
INLINE void DrawMaskOf(std::uint64_t seed, std::int32_t below, float value, float* out,
                       std::uint32_t size) {
  const auto low = static_cast<std::uint32_t>(seed);
  const auto high = static_cast<std::uint32_t>(seed >> 32);
#pragma omp simd
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint32_t x = i + low;
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x ^= high;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x ^= x >> 15;
    out[i] = static_cast<std::int32_t>(x >> 8) < below ? value : 0.0F;
  }
}

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx2,fma")))

const bool kWide = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;

WIDE float LargestWide(const float* row, std::size_t size) { return LargestOf(row, size); }
WIDE float ExpAndSumWide(float* row, std::size_t size, float shift) {
  return ExpAndSumOf(row, size, shift);
}
WIDE void DrawMaskWide(std::uint64_t seed, std::int32_t below, float value, float* out,
                       std::uint32_t size) {
  DrawMaskOf(seed, below, value, out, size);
}

#else

constexpr bool kWide = false;
constexpr auto LargestWide = LargestOf;
constexpr auto ExpAndSumWide = ExpAndSumOf;
constexpr auto DrawMaskWide = DrawMaskOf;

#endif

}  // namespace

float Largest(const float* row, std::size_t size) {
  return kWide ? LargestWide(row, size) : LargestOf(row, size);
}

float ExpAndSum(float* row, std::size_t size, float shift) {
  return kWide ? ExpAndSumWide(row, size, shift) : ExpAndSumOf(row, size, shift);
}

void DrawMask(std::uint64_t seed, double keep, float value, float* out, std::size_t size) {
  const auto below = static_cast<std::int32_t>(keep * 16'777'216.0);
  constexpr std::size_t kPart = std::size_t{1} << 31;
  for (std::size_t begin = 0; begin < size; begin += kPart, ++seed) {
    const auto part = static_cast<std::uint32_t>(size - begin < kPart ? size - begin : kPart);
    const std::uint64_t mixed = Mixed(seed);
    if (kWide) {
      DrawMaskWide(mixed, below, value, out + begin, part);
    } else {
      DrawMaskOf(mixed, below, value, out + begin, part);
    }
  }
}

}  // namespace vitrine::train
