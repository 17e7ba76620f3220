#include "rollout/confidence_sequence.h"

#include <algorithm>
#include <cmath>

namespace vitrine::rollout {

double Boundary(double n, const SequenceOptions& options) {
  const double spent = -2 * std::log(options.alpha);
  const double rho2 = (spent + std::log(spent + 1)) / options.expected_n;
  const double k = n * rho2;
  return std::sqrt((1 + 1 / k) * (std::log(k + 1) + spent));
}

Estimate MeanOf(const Moments& moments) {
  if (moments.n <= 0) {
    return {};
  }
  return {moments.mean, moments.Variance() / moments.n, moments.n, moments.n, 1};
}

Estimate DifferenceOf(const Moments& control, const Moments& treatment, double factor) {
  if (control.n <= 0 || treatment.n <= 0) {
    return {};
  }
  const double together = (control.m2 + treatment.m2) / std::max(1.0, control.n + treatment.n - 2);
  const double of_control = std::max(control.Variance(), together);
  const double of_treatment = std::max(treatment.Variance(), together);
  return {treatment.mean - factor * control.mean,
          of_treatment / treatment.n + factor * factor * of_control / control.n,
          2 / (1 / control.n + 1 / treatment.n), std::min(control.n, treatment.n),
          treatment.n / control.n};
}

Estimate Pool(std::span<const Estimate> stretches, double minimum_n) {
  // Weights by units, not by the estimated precision: where values are skewed, a stretch that is
  // low by chance also varies less, and would weigh more for it.
  const auto counts = [minimum_n](const Estimate& stretch) {
    return stretch.smallest >= minimum_n && stretch.variance > 0;
  };
  Estimate pooled;
  for (const Estimate& stretch : stretches) {
    if (!counts(stretch)) {
      continue;
    }
    pooled.value += stretch.n * stretch.value;
    pooled.n += stretch.n;
    pooled.smallest += stretch.smallest;
    pooled.odds = stretch.odds;
    for (const Estimate& other : stretches) {
      if (counts(other)) {
        // A shopper's taste counts +1/treated, -1/untreated in both, and sides may change between
        // them: the covariance of the two differences is 1 / ((1 - p) q) for shares p <= q.
        const auto [less, more] = std::minmax(stretch.odds, other.odds);
        pooled.variance += stretch.n * other.n * std::sqrt(stretch.variance * other.variance) *
                           std::sqrt(less / more);
      }
    }
  }
  if (pooled.n <= 0) {
    return {};
  }
  pooled.value /= pooled.n;
  pooled.variance /= pooled.n * pooled.n;
  return pooled;
}

Interval AlwaysValid(const Estimate& estimate, const SequenceOptions& options) {
  if (estimate.smallest < options.minimum_n || estimate.smallest < 2 || estimate.variance <= 0) {
    return {};
  }
  const double half = std::sqrt(estimate.variance) * Boundary(estimate.n, options);
  return {estimate.value - half, estimate.value + half, true};
}

}  // namespace vitrine::rollout
