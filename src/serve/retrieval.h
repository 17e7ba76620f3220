/// How the best items of a dense model are found: by an exact scan, or, where that takes too long here, by
/// walking an index of neighbours. Decided by measuring both: a version serves by exact scans from the first
/// request on, and an index takes their place once it is built and has been found worth it.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

#include "search/hnsw_items.h"
#include "search/nearest_items.h"

namespace vitrine::serve {

struct RetrievalOptions {
  std::chrono::duration<double> exact_within{0.005};  ///< an exact scan up to this long is kept
  double recall = 0.99;  ///< of the exact best k, that the index must find
  std::size_t k = 100;
  std::chrono::duration<double> build_within{600};  ///< 0: no index, whatever a scan takes
};

/// What was measured, and what follows from it. Times are medians of one query's.
struct Retrieval {
  std::shared_ptr<const search::HnswItems> near;  ///< null: exact scans
  std::size_t most =
      0;  ///< items that a walk may be asked for: what more would find was not measured
  double exact_seconds = 0;
  double near_seconds = 0;  ///< 0: no index was tried
  double recall = 0;
  std::size_t effort = 0;
  double build_seconds = 0;
  std::string why;  ///< one sentence
};

/// What an exact scan takes, and whether that is long enough to try an index.
/// Shapes: queries [n, width], n > 0, each accepted by CheckQuery; like those to come.
Retrieval MeasureScan(const search::NearestItems& exact, std::span<const float> queries,
                      const RetrievalOptions& options);
[[nodiscard]] bool WantsIndex(const Retrieval& scan, const RetrievalOptions& options);

/// Builds an index and takes it where it finds enough and is twice as fast. Rows before `first_row` are not
/// items. A failure to build one means exact scans, and says why.
/// Shapes:  as MeasureScan
/// Threads: runs on the caller's, for as long as options say; ends soon after `stop`.
Retrieval TryIndex(const search::NearestItems& exact, std::size_t first_row,
                   std::span<const float> queries, const RetrievalOptions& options,
                   const std::stop_token& stop);

}  // namespace vitrine::serve
