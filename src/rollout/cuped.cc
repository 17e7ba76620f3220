#include "rollout/cuped.h"

#include <algorithm>

namespace vitrine::rollout {
namespace {

/// Sum of squared deviations of the shoppers' parts, and of their products with `before`.
struct Linearised {
  Moments ratio;
  double with_before = 0;
};

Linearised Linearise(const JointMoments& arm) {
  if (arm.n <= 0 || arm.weight <= 0) {
    return {};
  }
  const double ratio = arm.value / arm.weight;
  const double squares =
      arm.value_value - 2 * ratio * arm.value_weight + ratio * ratio * arm.weight_weight;
  return {{arm.n, ratio, std::max(0.0, squares) / (arm.weight * arm.weight)},
          (arm.value_before - ratio * arm.weight_before) / arm.weight};
}

}  // namespace

Moments RatioMoments(const JointMoments& arm) { return Linearise(arm).ratio; }

AdjustedArms Adjust(const JointMoments& control, const JointMoments& treatment) {
  const Linearised of_control = Linearise(control);
  const Linearised of_treatment = Linearise(treatment);
  AdjustedArms arms{of_control.ratio, of_treatment.ratio};
  const double spread = control.before_before + treatment.before_before;
  const double before = arms.control.m2 + arms.treatment.m2;
  if (spread <= 0 || before <= 0 || control.n <= 0 || treatment.n <= 0) {
    return arms;
  }
  arms.theta = (of_control.with_before + of_treatment.with_before) / spread;
  const double both =
      (control.n * control.before + treatment.n * treatment.before) / (control.n + treatment.n);
  const auto adjust = [&](Moments& ratio, const JointMoments& sums, double with_before) {
    ratio.mean -= arms.theta * (sums.before - both);
    ratio.m2 = std::max(0.0, ratio.m2 - 2 * arms.theta * with_before +
                                 arms.theta * arms.theta * sums.before_before);
  };
  adjust(arms.control, control, of_control.with_before);
  adjust(arms.treatment, treatment, of_treatment.with_before);
  arms.variance_left = (arms.control.m2 + arms.treatment.m2) / before;
  return arms;
}

}  // namespace vitrine::rollout
