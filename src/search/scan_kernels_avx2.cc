#include "search/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#define TARGET __attribute__((target("avx2,fma")))

namespace vitrine::search {
namespace {

// Sixteen partial sums of one query and one row.
struct Sums {
  __m256 low;
  __m256 high;
};

TARGET inline void Add(const float* query, const float* row, Sums& sums) {
  sums.low = _mm256_fmadd_ps(_mm256_loadu_ps(query), _mm256_loadu_ps(row), sums.low);
  sums.high = _mm256_fmadd_ps(_mm256_loadu_ps(query + 8), _mm256_loadu_ps(row + 8), sums.high);
}

// The scores of four, in the lanes in order.
TARGET inline __m128 Fold(const Sums& a, const Sums& b, const Sums& c, const Sums& d) {
  const __m256 a8 = _mm256_add_ps(a.low, a.high);
  const __m256 b8 = _mm256_add_ps(b.low, b.high);
  const __m256 c8 = _mm256_add_ps(c.low, c.high);
  const __m256 d8 = _mm256_add_ps(d.low, d.high);
  const __m256 ac =
      _mm256_add_ps(_mm256_permute2f128_ps(a8, c8, 0x20), _mm256_permute2f128_ps(a8, c8, 0x31));
  const __m256 bd =
      _mm256_add_ps(_mm256_permute2f128_ps(b8, d8, 0x20), _mm256_permute2f128_ps(b8, d8, 0x31));
  // Each half of a lane: two values of a (c), two of b (d).
  const __m256 four =
      _mm256_add_ps(_mm256_shuffle_ps(ac, bd, 0x44), _mm256_shuffle_ps(ac, bd, 0xEE));
  const __m256 one = _mm256_add_ps(four, _mm256_movehdup_ps(four));
  const __m128 first = _mm256_castps256_ps128(one);     // a . b .
  const __m128 second = _mm256_extractf128_ps(one, 1);  // c . d .
  return _mm_shuffle_ps(first, second, 0x88);
}

TARGET inline Sums Zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }

TARGET void ScoreRows(const float* query, const float* values, std::size_t stride,
                      const std::uint32_t* rows, std::size_t count, float* scores) {
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = values + rows[i] * stride;
    Sums sums = Zero();
    for (std::size_t j = 0; j < stride; j += 16) {
      Add(query + j, row + j, sums);
    }
    scores[i] = _mm_cvtss_f32(Fold(sums, sums, sums, sums));
  }
}

// One query, four rows.
TARGET void ScoreFour(const float* query, const float* rows, std::size_t stride, float* scores) {
  Sums a = Zero();
  Sums b = Zero();
  Sums c = Zero();
  Sums d = Zero();
  for (std::size_t j = 0; j < stride; j += 16) {
    Add(query + j, rows + j, a);
    Add(query + j, rows + stride + j, b);
    Add(query + j, rows + 2 * stride + j, c);
    Add(query + j, rows + 3 * stride + j, d);
  }
  _mm_storeu_ps(scores, Fold(a, b, c, d));
}

// Three queries, two rows: twelve sums stay in registers, and a step of five loads feeds six.
TARGET void ScoreSix(const float* queries, const float* rows, std::size_t stride, float* scores) {
  Sums a0 = Zero();
  Sums a1 = Zero();
  Sums b0 = Zero();
  Sums b1 = Zero();
  Sums c0 = Zero();
  Sums c1 = Zero();
  const float* second = queries + stride;
  const float* third = queries + 2 * stride;
  for (std::size_t j = 0; j < stride; j += 16) {
    Add(queries + j, rows + j, a0);
    Add(queries + j, rows + stride + j, a1);
    Add(second + j, rows + j, b0);
    Add(second + j, rows + stride + j, b1);
    Add(third + j, rows + j, c0);
    Add(third + j, rows + stride + j, c1);
  }
  const __m128 ab = Fold(a0, a1, b0, b1);
  _mm_storel_pi(reinterpret_cast<__m64*>(scores), ab);
  _mm_storeh_pi(reinterpret_cast<__m64*>(scores + kBlockRows), ab);
  _mm_storel_pi(reinterpret_cast<__m64*>(scores + 2 * kBlockRows), Fold(c0, c1, c0, c1));
}

TARGET void ScoreBlock(const float* queries, std::size_t count, const float* block,
                       std::size_t stride, float* scores) {
  std::size_t q = 0;
  for (; q + 3 <= count; q += 3) {
    for (std::size_t r = 0; r < kBlockRows; r += 2) {
      ScoreSix(queries + q * stride, block + r * stride, stride, scores + q * kBlockRows + r);
    }
  }
  for (; q < count; ++q) {
    for (std::size_t r = 0; r < kBlockRows; r += 4) {
      ScoreFour(queries + q * stride, block + r * stride, stride, scores + q * kBlockRows + r);
    }
  }
}

// Which of eight rows' bounds exceed the threshold.
TARGET inline std::uint64_t Exceeding(__m256i sums, const CodedQuery& query, const float* scale,
                                      const float* error, const float* length, float threshold) {
  const __m256 about = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_set1_ps(query.scale));
  const __m256 coarse = _mm256_fmadd_ps(_mm256_set1_ps(query.error), _mm256_load_ps(length),
                                        _mm256_set1_ps(kBoundFloor));
  const __m256 off = _mm256_fmadd_ps(_mm256_set1_ps(query.length), _mm256_load_ps(error), coarse);
  const __m256 bound = _mm256_fmadd_ps(about, _mm256_load_ps(scale), off);
  const __m256 above = _mm256_cmp_ps(bound, _mm256_set1_ps(threshold), _CMP_GT_OQ);
  return static_cast<unsigned>(_mm256_movemask_ps(above));
}

// Q queries and R vectors of eight rows, from row `first` on.
template <std::size_t Q, std::size_t R>
TARGET inline void Tile(const CodedQuery* queries, const std::uint8_t* codes,
                        const BlockTerms& terms, std::size_t stride, const float* thresholds,
                        std::size_t first, std::uint64_t* masks) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[Q][R];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      sums[q][r] = _mm256_set1_epi32(queries[q].offset);
    }
  }
  codes += first * 4;
  for (std::size_t j = 0; j < stride; j += 4, codes += kBlockRows * 4) {
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      std::int32_t four = 0;
      std::memcpy(&four, queries[q].codes + j, sizeof(four));
      const __m256i part = _mm256_set1_epi32(four);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < R; ++r) {
        const __m256i rows = _mm256_load_si256(reinterpret_cast<const __m256i*>(codes + r * 32));
        // Sums of two products stay in 16 bits: 2 x 255 x 64 < 2^15.
        const __m256i pairs = _mm256_maddubs_epi16(rows, part);
        sums[q][r] = _mm256_add_epi32(sums[q][r], _mm256_madd_epi16(pairs, ones));
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t r = 0; r < R; ++r) {
    const std::size_t row = first + r * 8;
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      masks[q] |= Exceeding(sums[q][r], queries[q], &terms.scale[row], &terms.error[row],
                            &terms.length[row], thresholds[q])
                  << row;
    }
  }
}

TARGET void MayExceed(const CodedQuery* queries, std::size_t count, const std::uint8_t* codes,
                      const BlockTerms& terms, std::size_t stride, const float* thresholds,
                      std::uint64_t* masks) {
  std::memset(masks, 0, count * sizeof(*masks));
  std::size_t q = 0;
  for (; q + 4 <= count; q += 4) {
    for (std::size_t first = 0; first < kBlockRows; first += 16) {
      Tile<4, 2>(queries + q, codes, terms, stride, thresholds + q, first, masks + q);
    }
  }
  for (; q < count; ++q) {
    Tile<1, 8>(queries + q, codes, terms, stride, thresholds + q, 0, masks + q);
  }
}

}  // namespace

const ScanKernels* Avx2Kernels() {
  static constexpr ScanKernels kKernels = {.name = "avx2",
                                           .query_levels = 64,
                                           .score_rows = ScoreRows,
                                           .score_block = ScoreBlock,
                                           .may_exceed = MayExceed};
  const bool can = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return can ? &kKernels : nullptr;
}

}  // namespace vitrine::search

#else

namespace vitrine::search {

const ScanKernels* Avx2Kernels() { return nullptr; }

}  // namespace vitrine::search

#endif
