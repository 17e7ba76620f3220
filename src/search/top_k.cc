#include "search/top_k.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vitrine::search {
namespace {

template <typename T>
std::uint64_t MaskPortable(std::span<const T> scores, T threshold) {
  std::uint64_t mask = 0;
  for (std::size_t j = 0; j < scores.size(); ++j) {
    mask |= static_cast<std::uint64_t>(scores[j] > threshold) << j;
  }
  return mask;
}

#if defined(__x86_64__)

// The widest instructions of this processor. Zero before dynamic initialisation: portable.
const int kVectorBits = __builtin_cpu_supports("avx512f") != 0 ? 512
                        : __builtin_cpu_supports("avx2") != 0  ? 256
                                                               : 0;

__attribute__((target("avx512f"))) std::uint64_t Mask512(const float* scores, float threshold) {
  const __m512 limit = _mm512_set1_ps(threshold);
  std::uint64_t mask = 0;
  for (int part = 0; part < 4; ++part) {
    const __m512 values = _mm512_loadu_ps(scores + part * 16);
    const std::uint64_t bits = _mm512_cmp_ps_mask(values, limit, _CMP_GT_OQ);
    mask |= bits << (part * 16);
  }
  return mask;
}

__attribute__((target("avx512f"))) std::uint64_t Mask512(const double* scores, double threshold) {
  const __m512d limit = _mm512_set1_pd(threshold);
  std::uint64_t mask = 0;
  for (int part = 0; part < 8; ++part) {
    const __m512d values = _mm512_loadu_pd(scores + part * 8);
    const std::uint64_t bits = _mm512_cmp_pd_mask(values, limit, _CMP_GT_OQ);
    mask |= bits << (part * 8);
  }
  return mask;
}

__attribute__((target("avx2"))) std::uint64_t Mask256(const float* scores, float threshold) {
  const __m256 limit = _mm256_set1_ps(threshold);
  std::uint64_t mask = 0;
  for (int part = 0; part < 8; ++part) {
    const __m256 above = _mm256_cmp_ps(_mm256_loadu_ps(scores + part * 8), limit, _CMP_GT_OQ);
    const auto bits = static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(above)));
    mask |= bits << (part * 8);
  }
  return mask;
}

__attribute__((target("avx2"))) std::uint64_t Mask256(const double* scores, double threshold) {
  const __m256d limit = _mm256_set1_pd(threshold);
  std::uint64_t mask = 0;
  for (int part = 0; part < 16; ++part) {
    const __m256d above = _mm256_cmp_pd(_mm256_loadu_pd(scores + part * 4), limit, _CMP_GT_OQ);
    const auto bits = static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_pd(above)));
    mask |= bits << (part * 4);
  }
  return mask;
}

template <typename T>
std::uint64_t Mask(std::span<const T> scores, T threshold) {
  if (scores.size() == 64 && kVectorBits == 512) {
    return Mask512(scores.data(), threshold);
  }
  if (scores.size() == 64 && kVectorBits == 256) {
    return Mask256(scores.data(), threshold);
  }
  return MaskPortable(scores, threshold);
}

#else

template <typename T>
std::uint64_t Mask(std::span<const T> scores, T threshold) {
  return MaskPortable(scores, threshold);
}

#endif

}  // namespace

std::uint64_t MaskAbove(std::span<const float> scores, float threshold) {
  return Mask(scores, threshold);
}

std::uint64_t MaskAbove(std::span<const double> scores, double threshold) {
  return Mask(scores, threshold);
}

}  // namespace vitrine::search
