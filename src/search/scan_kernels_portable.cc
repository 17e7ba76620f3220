// The obvious way, which the other sets are held to. The library's fma is slow where the processor
// has none.
#include <array>
#include <cmath>

#include "search/scan_kernels.h"

namespace vitrine::search {
namespace {

float Score(const float* query, const float* row, std::size_t stride) {
  std::array<float, 16> sums{};
  for (std::size_t i = 0; i < stride; ++i) {
    sums[i % 16] = std::fma(query[i], row[i], sums[i % 16]);
  }
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) {
      sums[j] += sums[j + half];
    }
  }
  return sums[0];
}

void ScoreRows(const float* query, const float* values, std::size_t stride,
               const std::uint32_t* rows, std::size_t count, float* scores) {
  for (std::size_t i = 0; i < count; ++i) {
    scores[i] = Score(query, values + rows[i] * stride, stride);
  }
}

void ScoreBlock(const float* queries, std::size_t count, const float* block, std::size_t stride,
                float* scores) {
  for (std::size_t q = 0; q < count; ++q) {
    for (std::size_t r = 0; r < kBlockRows; ++r) {
      scores[q * kBlockRows + r] = Score(queries + q * stride, block + r * stride, stride);
    }
  }
}

float Bound(const CodedQuery& query, const std::uint8_t* codes, const BlockTerms& terms,
            std::size_t stride, std::size_t r) {
  std::int32_t sum = query.offset;
  for (std::size_t i = 0; i < stride; ++i) {
    sum += codes[(i / 4 * kBlockRows + r) * 4 + i % 4] * query.codes[i];
  }
  const float about = static_cast<float>(sum) * query.scale;
  const float coarse = std::fma(query.error, terms.length[r], kBoundFloor);
  const float off = std::fma(query.length, terms.error[r], coarse);
  return std::fma(about, terms.scale[r], off);
}

void MayExceed(const CodedQuery* queries, std::size_t count, const std::uint8_t* codes,
               const BlockTerms& terms, std::size_t stride, const float* thresholds,
               std::uint64_t* masks) {
  for (std::size_t q = 0; q < count; ++q) {
    masks[q] = 0;
    for (std::size_t r = 0; r < kBlockRows; ++r) {
      const bool may = Bound(queries[q], codes, terms, stride, r) > thresholds[q];
      masks[q] |= static_cast<std::uint64_t>(may) << r;
    }
  }
}

}  // namespace

const ScanKernels* PortableKernels() {
  static constexpr ScanKernels kKernels = {.name = "portable",
                                           .query_levels = 127,
                                           .score_rows = ScoreRows,
                                           .score_block = ScoreBlock,
                                           .may_exceed = MayExceed};
  return &kKernels;
}

}  // namespace vitrine::search
