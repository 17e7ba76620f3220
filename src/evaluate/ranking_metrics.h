/// Metrics of one ranked list against its relevant items. Means over users are the caller's.
/// Conventions: recall divides by all relevant items, precision by k even where the list is shorter,
/// MAP by the number of relevant items, NDCG's ideal list is cut at min(k, relevant), MRR is cut at
/// k, F1 is the user's own (the mean of F1s, not F1 of the means).
/// Threads: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace vitrine::evaluate {

enum class RankMetric : std::uint8_t { kRecall, kNdcg, kHitRate, kMrr, kMap, kPrecision, kF1 };
inline constexpr std::size_t kRankMetrics = 7;
/// "recall", "ndcg", "hit_rate", "mrr", "map", "precision", "f1".
std::string_view RankMetricName(RankMetric metric);

/// One value per RankMetric, in its order.
using RankMetricValues = std::array<double, kRankMetrics>;

/// `ranks`: 0-based places of the relevant items that the list holds, rising; places from k on are
/// ignored. `relevant`: how many relevant items there are at all. All zero where there is none.
/// Units: every value in [0, 1].
RankMetricValues RankMetricsAt(std::span<const std::uint32_t> ranks, std::size_t relevant, int k);

enum class Gain : std::uint8_t {
  kLinear,       ///< the grade itself
  kExponential,  ///< 2^grade - 1
};

/// NDCG with grades: `listed[i]` is the grade of place i (0 irrelevant), `relevant` every grade above
/// 0 that exists, in any order. 0 where there is none.   Source: Järvelin & Kekäläinen 2002; Burges 2005
double GradedNdcg(std::span<const double> listed, std::span<const double> relevant, int k,
                  Gain gain);

/// 1 / log2(rank + 2).
double Discount(std::size_t rank);

}  // namespace vitrine::evaluate
