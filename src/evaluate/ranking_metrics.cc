#include "evaluate/ranking_metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace vitrine::evaluate {
namespace {

/// Discounts and their running sums: the ideal list of n relevant items is worth sums[n].
struct Discounts {
  static constexpr std::size_t kKept = 1024;
  std::array<double, kKept> at{};
  std::array<double, kKept + 1> sums{};

  Discounts() {
    for (std::size_t rank = 0; rank < kKept; ++rank) {
      at[rank] = 1 / std::log2(static_cast<double>(rank) + 2);
      sums[rank + 1] = sums[rank] + at[rank];
    }
  }
};

const Discounts& Kept() {
  static const Discounts kDiscounts;
  return kDiscounts;
}

double IdealSum(std::size_t n) {
  double sum = Kept().sums[std::min(n, Discounts::kKept)];
  for (std::size_t rank = Discounts::kKept; rank < n; ++rank) {
    sum += Discount(rank);
  }
  return sum;
}

double GainOf(double grade, Gain gain) {
  return gain == Gain::kLinear ? grade : std::exp2(grade) - 1;
}

}  // namespace

std::string_view RankMetricName(RankMetric metric) {
  switch (metric) {
    case RankMetric::kRecall:
      return "recall";
    case RankMetric::kNdcg:
      return "ndcg";
    case RankMetric::kHitRate:
      return "hit_rate";
    case RankMetric::kMrr:
      return "mrr";
    case RankMetric::kMap:
      return "map";
    case RankMetric::kPrecision:
      return "precision";
    case RankMetric::kF1:
      return "f1";
  }
  return "";
}

double Discount(std::size_t rank) {
  return rank < Discounts::kKept ? Kept().at[rank] : 1 / std::log2(static_cast<double>(rank) + 2);
}

RankMetricValues RankMetricsAt(std::span<const std::uint32_t> ranks, std::size_t relevant, int k) {
  RankMetricValues values{};
  if (relevant == 0 || k <= 0) {
    return values;
  }
  const auto cut = static_cast<std::size_t>(k);
  double hits = 0;
  double gain = 0;
  double precisions = 0;
  double first = 0;
  for (const std::uint32_t rank : ranks) {
    if (rank >= cut) {
      break;
    }
    const double place = static_cast<double>(rank) + 1;
    if (hits == 0) {
      first = 1 / place;
    }
    hits += 1;
    gain += Discount(rank);
    precisions += hits / place;
  }
  if (hits == 0) {
    return values;
  }
  const auto all = static_cast<double>(relevant);
  const double recall = hits / all;
  const double precision = hits / k;
  const auto set = [&values](RankMetric metric, double value) {
    values[static_cast<std::size_t>(metric)] = value;
  };
  set(RankMetric::kRecall, recall);
  set(RankMetric::kNdcg, gain / IdealSum(std::min(cut, relevant)));
  set(RankMetric::kHitRate, 1);
  set(RankMetric::kMrr, first);
  set(RankMetric::kMap, precisions / all);
  set(RankMetric::kPrecision, precision);
  set(RankMetric::kF1, 2 * precision * recall / (precision + recall));
  return values;
}

double GradedNdcg(std::span<const double> listed, std::span<const double> relevant, int k,
                  Gain gain) {
  if (relevant.empty() || k <= 0) {
    return 0;
  }
  const auto cut = static_cast<std::size_t>(k);
  double worth = 0;
  for (std::size_t rank = 0; rank < std::min(cut, listed.size()); ++rank) {
    worth += GainOf(listed[rank], gain) * Discount(rank);
  }
  std::vector<double> ideal(relevant.begin(), relevant.end());
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  double best = 0;
  for (std::size_t rank = 0; rank < std::min(cut, ideal.size()); ++rank) {
    best += GainOf(ideal[rank], gain) * Discount(rank);
  }
  return best == 0 ? 0 : worth / best;
}

}  // namespace vitrine::evaluate
