#include "monitor/statistics/drift_verdict.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/check.h"
#include "monitor/statistics/distances.h"
#include "monitor/statistics/sample_tests.h"
#include "monitor/statistics/special_functions.h"

namespace vitrine::monitor {
namespace {

constexpr double kLeastExpected = 5;

struct Pair {
  double reference = 0;
  double current = 0;
};

/// Counts at their effective sizes.
struct Counts {
  std::vector<double> reference;
  std::vector<double> current;
  double n = 0;
  double m = 0;
};

Counts EffectiveCounts(const DriftInput& input) {
  CHECK(input.reference.size() == input.current.size());
  Counts counts{input.reference, input.current, 0, 0};
  const double r_sum = std::accumulate(input.reference.begin(), input.reference.end(), 0.0);
  const double c_sum = std::accumulate(input.current.begin(), input.current.end(), 0.0);
  const double design = std::max(input.values_per_row, 1.0);
  counts.n = (input.reference_rows > 0 ? input.reference_rows : r_sum) / design;
  counts.m = c_sum / design;
  for (double& r : counts.reference) {
    r *= r_sum == 0 ? 0 : counts.n / r_sum;
  }
  for (double& c : counts.current) {
    c /= design;
  }
  return counts;
}

/// Ordered bins join their right neighbour until they can be judged; what is left at the end joins
/// the last. Unordered ones join one common rest.
void JoinRareBins(bool ordered, Counts& counts) {
  const double smaller = std::min(counts.n, counts.m) / (counts.n + counts.m);
  const auto rare = [&](const Pair& p) {
    return (p.reference + p.current) * smaller < kLeastExpected;
  };
  std::vector<Pair> kept;
  Pair rest;
  for (std::size_t b = 0; b < counts.reference.size(); ++b) {
    Pair bin{counts.reference[b], counts.current[b]};
    if (ordered) {
      bin.reference += rest.reference;
      bin.current += rest.current;
      rest = rare(bin) ? bin : Pair{};
      if (!rare(bin)) {
        kept.push_back(bin);
      }
    } else if (rare(bin)) {
      rest.reference += bin.reference;
      rest.current += bin.current;
    } else {
      kept.push_back(bin);
    }
  }
  if (!ordered && !rare(rest)) {
    kept.push_back(rest);
  } else if (!kept.empty()) {
    kept.back().reference += rest.reference;
    kept.back().current += rest.current;
  } else {
    kept.push_back(rest);
  }
  counts.reference.clear();
  counts.current.clear();
  for (const Pair& p : kept) {
    counts.reference.push_back(p.reference);
    counts.current.push_back(p.current);
  }
}

}  // namespace

DriftVerdict Measure(const DriftInput& input, const DriftOptions& options) {
  DriftVerdict v;
  v.feature = input.feature;
  v.psi = Psi(input.reference, input.current);
  v.js_distance = JensenShannonDistance(input.reference, input.current);
  v.ks = input.ordered ? input.ks.value_or(BinnedKs(input.reference, input.current)) : 0;
  Counts counts = EffectiveCounts(input);
  v.reference_rows = counts.n;
  v.current_rows = counts.m;
  const double least = std::min(counts.n, counts.m);
  v.judged = least > 0 && least >= options.minimum_rows;
  if (!v.judged) {
    return v;
  }
  JoinRareBins(input.ordered, counts);
  v.bins = static_cast<double>(counts.reference.size());
  const TestResult chi = ChiSquareTwoSamples(counts.reference, counts.current);
  v.p_value = chi.p_value;
  if (input.ordered) {
    const double n = std::round(counts.n * counts.m / (counts.n + counts.m));
    const double ks_p = input.ks_p_value.value_or(KolmogorovTail(v.ks, n));
    v.p_value = std::min(1.0, 2 * std::min(chi.p_value, ks_p));
  }
  // Half a row stands in for an empty bin: less than one can be seen, more would invent drift.
  const double half = 0.5 / std::max(counts.n, counts.m);
  v.corrected_psi = std::max(0.0, Psi(counts.reference, counts.current, half) -
                                      chi.degrees * (1 / counts.n + 1 / counts.m));
  return v;
}

std::vector<DriftVerdict> JudgeDrift(std::span<const DriftInput> inputs,
                                     const DriftOptions& options) {
  std::vector<DriftVerdict> verdicts;
  verdicts.reserve(inputs.size());
  for (const DriftInput& input : inputs) {
    verdicts.push_back(Measure(input, options));
  }
  DecideTogether(verdicts, options);
  return verdicts;
}

void DecideTogether(std::span<DriftVerdict> verdicts, const DriftOptions& options) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].judged) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return verdicts[a].p_value < verdicts[b].p_value;
  });
  bool open = true;  // Holm: once one is not rejected, none after it is
  for (std::size_t i = 0; i < order.size(); ++i) {
    DriftVerdict& v = verdicts[order[i]];
    v.alpha = options.alpha / static_cast<double>(order.size() - i);
    open = open && v.p_value <= v.alpha;
    v.drifted = open && v.corrected_psi >= options.minimum_effect;
    v.strong = v.drifted && v.corrected_psi >= options.strong_effect;
  }
}

double SpentAlpha(double alpha, std::uint64_t look) {
  const auto k = static_cast<double>(std::max<std::uint64_t>(look, 1));
  // g(k) - g(k + 1), written without a difference of near equals.
  return alpha * std::log1p(1 / k) / ((1 + std::log(k)) * (1 + std::log(k + 1)));
}

}  // namespace vitrine::monitor
