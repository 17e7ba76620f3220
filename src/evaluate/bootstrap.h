/// Bootstrap intervals of means over users.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/artifact.h"

namespace vitrine::evaluate {

struct BootstrapOptions {
  std::uint64_t seed = 1;
  int resamples = 1000;
  double confidence = 0.95;
};

/// Mean of every column and its percentile interval over resampled rows. The same resample serves
/// all columns, so differences of columns are paired. Deterministic: depends on the seed and the
/// rows alone.
/// Shapes:  rows [n, columns] row-major, one row a user; returns [columns]
/// Cost:    n * resamples draws, plus columns additions for every drawn row that is not all zero
///   Source: Efron & Tibshirani 1993, chapter 13 (percentile interval)
std::vector<MetricValue> BootstrapMeans(std::span<const double> rows, std::size_t columns,
                                        const BootstrapOptions& options);

/// Quantile q of `sorted` (rising) by linear interpolation between order statistics.
double SortedQuantile(std::span<const double> sorted, double q);

}  // namespace vitrine::evaluate
