#include "search/scan_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstring>

#define TARGET __attribute__((target("avx2,fma,avx512f,avx512vnni")))

namespace vitrine::search {
namespace {

// Forms with a mask of ones below: g++ 12 takes the plain ones for reads of uninitialised values.

// Sixteen partial sums as the eight of their halves.
TARGET inline __m256 Halve(__m512 sums) {
  const __m512d halves = _mm512_castps_pd(sums);
  const __m256d low = _mm512_maskz_extractf64x4_pd(0xFF, halves, 0);
  const __m256d high = _mm512_maskz_extractf64x4_pd(0xFF, halves, 1);
  return _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
}

// The scores of four, in the lanes in order.
TARGET inline __m128 Fold(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m256 a8 = Halve(a);
  const __m256 b8 = Halve(b);
  const __m256 c8 = Halve(c);
  const __m256 d8 = Halve(d);
  const __m256 ac =
      _mm256_add_ps(_mm256_permute2f128_ps(a8, c8, 0x20), _mm256_permute2f128_ps(a8, c8, 0x31));
  const __m256 bd =
      _mm256_add_ps(_mm256_permute2f128_ps(b8, d8, 0x20), _mm256_permute2f128_ps(b8, d8, 0x31));
  const __m256 two =
      _mm256_add_ps(_mm256_shuffle_ps(ac, bd, 0x44), _mm256_shuffle_ps(ac, bd, 0xEE));
  const __m256 one = _mm256_add_ps(two, _mm256_movehdup_ps(two));
  return _mm_shuffle_ps(_mm256_castps256_ps128(one), _mm256_extractf128_ps(one, 1), 0x88);
}

TARGET void ScoreRows(const float* query, const float* values, std::size_t stride,
                      const std::uint32_t* rows, std::size_t count, float* scores) {
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = values + rows[i] * stride;
    __m512 sums = _mm512_setzero_ps();
    for (std::size_t j = 0; j < stride; j += 16) {
      sums = _mm512_fmadd_ps(_mm512_loadu_ps(query + j), _mm512_loadu_ps(row + j), sums);
    }
    scores[i] = _mm_cvtss_f32(Fold(sums, sums, sums, sums));
  }
}

// Q queries and four rows: their sums stay in registers.
template <std::size_t Q>
TARGET inline void ScoreTile(const float* queries, const float* rows, std::size_t stride,
                             float* scores) {
  __m512 sums[Q][4];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 4; ++r) {
      sums[q][r] = _mm512_setzero_ps();
    }
  }
  for (std::size_t j = 0; j < stride; j += 16) {
    __m512 row[4];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 4; ++r) {
      row[r] = _mm512_loadu_ps(rows + r * stride + j);
    }
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      const __m512 query = _mm512_loadu_ps(queries + q * stride + j);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < 4; ++r) {
        sums[q][r] = _mm512_fmadd_ps(query, row[r], sums[q][r]);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
    _mm_storeu_ps(scores + q * kBlockRows, Fold(sums[q][0], sums[q][1], sums[q][2], sums[q][3]));
  }
}

TARGET void ScoreBlock(const float* queries, std::size_t count, const float* block,
                       std::size_t stride, float* scores) {
  std::size_t q = 0;
  for (; q + 4 <= count; q += 4) {
    for (std::size_t r = 0; r < kBlockRows; r += 4) {
      ScoreTile<4>(queries + q * stride, block + r * stride, stride, scores + q * kBlockRows + r);
    }
  }
  for (; q < count; ++q) {
    for (std::size_t r = 0; r < kBlockRows; r += 4) {
      ScoreTile<1>(queries + q * stride, block + r * stride, stride, scores + q * kBlockRows + r);
    }
  }
}

// Which of sixteen rows' bounds exceed the threshold.
TARGET inline std::uint64_t Exceeding(__m512i sums, const CodedQuery& query, const float* scale,
                                      const float* error, const float* length, float threshold) {
  const __m512 about =
      _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(0xFFFF, sums), _mm512_set1_ps(query.scale));
  const __m512 coarse = _mm512_fmadd_ps(_mm512_set1_ps(query.error), _mm512_load_ps(length),
                                        _mm512_set1_ps(kBoundFloor));
  const __m512 off = _mm512_fmadd_ps(_mm512_set1_ps(query.length), _mm512_load_ps(error), coarse);
  const __m512 bound = _mm512_fmadd_ps(about, _mm512_load_ps(scale), off);
  return _mm512_cmp_ps_mask(bound, _mm512_set1_ps(threshold), _CMP_GT_OQ);
}

TARGET inline __m512i Four(const std::int8_t* codes) {
  std::int32_t four = 0;
  std::memcpy(&four, codes, sizeof(four));
  return _mm512_set1_epi32(four);
}

// Q queries and all 64 rows of the block.
template <std::size_t Q>
TARGET inline void Tile(const CodedQuery* queries, const std::uint8_t* codes,
                        const BlockTerms& terms, std::size_t stride, const float* thresholds,
                        std::uint64_t* masks) {
  __m512i sums[Q][4];
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 4; ++r) {
      sums[q][r] = _mm512_set1_epi32(queries[q].offset);
    }
  }
  for (std::size_t j = 0; j < stride; j += 4, codes += kBlockRows * 4) {
    __m512i rows[4];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 4; ++r) {
      rows[r] = _mm512_loadu_si512(codes + r * 64);
    }
#pragma GCC unroll 8
    for (std::size_t q = 0; q < Q; ++q) {
      const __m512i part = Four(queries[q].codes + j);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < 4; ++r) {
        sums[q][r] = _mm512_dpbusd_epi32(sums[q][r], rows[r], part);
      }
    }
  }
#pragma GCC unroll 8
  for (std::size_t q = 0; q < Q; ++q) {
    masks[q] = 0;
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 4; ++r) {
      const std::size_t row = r * 16;
      masks[q] |= Exceeding(sums[q][r], queries[q], &terms.scale[row], &terms.error[row],
                            &terms.length[row], thresholds[q])
                  << row;
    }
  }
}

TARGET void MayExceed(const CodedQuery* queries, std::size_t count, const std::uint8_t* codes,
                      const BlockTerms& terms, std::size_t stride, const float* thresholds,
                      std::uint64_t* masks) {
  std::size_t q = 0;
  for (; q + 4 <= count; q += 4) {
    Tile<4>(queries + q, codes, terms, stride, thresholds + q, masks + q);
  }
  for (; q < count; ++q) {
    Tile<1>(queries + q, codes, terms, stride, thresholds + q, masks + q);
  }
}

}  // namespace

const ScanKernels* Avx512Kernels() {
  static constexpr ScanKernels kKernels = {.name = "avx512",
                                           .query_levels = 127,
                                           .score_rows = ScoreRows,
                                           .score_block = ScoreBlock,
                                           .may_exceed = MayExceed};
  const bool can = Avx2Kernels() != nullptr && __builtin_cpu_supports("avx512f") != 0 &&
                   __builtin_cpu_supports("avx512vnni") != 0;
  return can ? &kKernels : nullptr;
}

}  // namespace vitrine::search

#else

namespace vitrine::search {

const ScanKernels* Avx512Kernels() { return nullptr; }

}  // namespace vitrine::search

#endif
