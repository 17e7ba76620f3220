/// The inner loops of a dense search, one set an instruction set. A score is the same to the last
/// bit in every set: sixteen partial sums, partial sum j over the values j, j + 16, ... in order, each
/// step one fused multiply-add, then halves added (j and j + 8, j + 4, j + 2, j + 1).
/// Threads: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "search/item_matrix.h"

namespace vitrine::search {

/// Added to every bound: more than subnormal steps can lose, 2^-126.
inline constexpr float kBoundFloor = 0x1p-126F;

/// A query as the code scan reads it.
struct CodedQuery {
  const std::int8_t* codes = nullptr;  ///< a matrix's stride of them
  std::int32_t offset = 0;             ///< takes kRowCodeOffset out of the rows' codes again
  float scale = 0;
  float length = 0;  ///< not below the query's
  float error = 0;   ///< not below its codes'
};

struct ScanKernels {
  const char* name;
  /// Largest code of a query that sums of products have room for.
  int query_levels;

  /// scores[i] = query . row rows[i].
  /// Shapes:  query [stride], values as ItemMatrix::values(), rows and scores [count]
  void (*score_rows)(const float* query, const float* values, std::size_t stride,
                     const std::uint32_t* rows, std::size_t count, float* scores);

  /// Scores of one block's 64 rows.
  /// Shapes:  queries [count, stride], block [64, stride], scores [count, 64]
  void (*score_block)(const float* queries, std::size_t count, const float* block,
                      std::size_t stride, float* scores);

  /// Bit r of masks[q]: the codes do not rule out that row r's score exceeds thresholds[q].
  /// Shapes:  queries, thresholds, masks [count]; codes as ItemMatrix::codes()
  void (*may_exceed)(const CodedQuery* queries, std::size_t count, const std::uint8_t* codes,
                     const BlockTerms& terms, std::size_t stride, const float* thresholds,
                     std::uint64_t* masks);
};

/// What this processor can run, the slowest (and most obvious) first: never empty.
std::span<const ScanKernels* const> AvailableKernels();
inline const ScanKernels& FastestKernels() { return *AvailableKernels().back(); }

/// One file each; null where the processor or the architecture has not the instructions.
const ScanKernels* PortableKernels();
const ScanKernels* Avx2Kernels();
const ScanKernels* Avx512Kernels();

}  // namespace vitrine::search
