#include "rollout/fixed_horizon.h"

#include <cmath>

#include "core/check.h"

namespace vitrine::rollout {

double NormalBelow(double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; }

double NormalQuantile(double p) {
  CHECK(p > 0 && p < 1);
  if (p > 0.5) {  // small tails are the precise ones
    return -NormalQuantile(1 - p);
  }
  double low = -40;
  double high = 0;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (NormalBelow(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

double FixedHorizonP(const Estimate& estimate) {
  if (estimate.variance <= 0) {
    return 1;
  }
  return 2 * NormalBelow(-std::abs(estimate.value) / std::sqrt(estimate.variance));
}

Interval FixedHorizonInterval(const Estimate& estimate, double alpha) {
  if (estimate.variance <= 0) {
    return {};
  }
  const double half = std::sqrt(estimate.variance) * -NormalQuantile(alpha / 2);
  return {estimate.value - half, estimate.value + half, true};
}

}  // namespace vitrine::rollout
