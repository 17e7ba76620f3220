/// One column of two frames: every statistic there is for its kind, and its measured verdict.
/// Threads: one caller per FramePair.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"
#include "monitor/offline/frame_pair.h"
#include "monitor/statistics/drift_verdict.h"

namespace vitrine::monitor {

struct ColumnDrift {
  std::string column;
  ColumnKind kind = ColumnKind::kNumber;
  DriftVerdict verdict;  ///< p, effect and what was decided

  // Distances over the deciles of the reference (numbers) or the levels (words), where missing ones
  // are a bin of their own; empty bins at kEmptyBinShare where a logarithm needs one.
  double hellinger = 0;
  double total_variation = 0;
  double l_infinity = 0;
  double kullback_leibler = 0;  ///< nats, of current from reference
  double chi_square = 0;        ///< two samples, over all bins or levels
  double chi_square_degrees = 0;
  double chi_square_p = 1;

  // Numbers, on the values themselves.
  double ks_p = 1;
  double wasserstein = 0;              ///< in the column's unit
  double wasserstein_over_spread = 0;  ///< divided by the reference's population deviation
  double reference_mean = 0;
  double current_mean = 0;

  double reference_missing = 0;  ///< share of the rows
  double current_missing = 0;
  double levels = 0;        ///< distinct values of both sides; words and numbers
  double unseen_share = 0;  ///< words: share of current rows at levels that the reference lacks
  bool constant = false;    ///< one value, the same on both sides, none missing

  double importance = 1;
  double weighted = 0;    ///< corrected PSI x importance
  std::vector<Cut> cuts;  ///< numbers: of the bins
};

inline constexpr std::size_t kMostLevels = 65'536;   ///< rarer ones are counted as one level
inline constexpr std::size_t kFewValues = 20;        ///< numbers with no more get a bin each
inline constexpr std::size_t kSampledRows = 10'000;  ///< a side, of texts and vectors

/// A side, of their values that are not 0: 32 MB. Fewer rows are taken where they are wide.
inline constexpr std::size_t kSampledValues = 4'000'000;

/// Everything but what is decided together. Errors: FramePair's.
Result<ColumnDrift> MeasureColumn(FramePair& frames, const FrameColumn& column,
                                  const DriftOptions& options);

/// Borders at the reference's deciles, linear between order statistics; a value at and above a
/// border lies right of it. A decile that stands more than once is a value that many rows share: it
/// gets a bin of its own. `deciles` [9], ascending.
std::vector<Cut> CutsAtDeciles(const std::vector<double>& deciles);

}  // namespace vitrine::monitor
