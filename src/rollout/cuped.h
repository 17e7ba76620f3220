/// Variance reduction by what shoppers did before the rollout (CUPED): who bought much last month
/// buys much this month in either arm, so the part of a shopper's figure that last month foretells
/// is taken out. The mean stays what it is, its interval narrows by sqrt(1 - correlation^2).
///   adjusted mean = mean - theta (mean of before - its mean over both arms),
///   theta = cov(value, before) / var(before), within the arms
/// Source: Deng, Xu, Kohavi & Walker, WSDM 2013, equations 1 to 5; a ratio is first linearised,
///   as in its appendix B (delta method): a shopper's part of sum v / sum w is
///   (v - ratio w) / mean w
/// Valid only where `before` was fixed before the shopper entered: what the candidate can change is
/// no covariate. Shoppers without a past have before = 0 and are none the worse.
/// Threads: pure functions; no allocation.
#pragma once

#include "rollout/moments.h"

namespace vitrine::rollout {

/// Both arms, adjusted, as sums that confidence_sequence.h takes.
struct AdjustedArms {
  Moments control;
  Moments treatment;
  double theta = 0;  ///< 0: no covariate, or one that says nothing
  double variance_left =
      1;  ///< share of the variance that is left, of both arms; 1: none was taken out
};

/// The ratio sum(value) / sum(weight) of an arm with the spread of its shoppers' parts; a plain
/// mean where all weights are 1. All zero where the weights' sum is.
Moments RatioMoments(const JointMoments& arm);

AdjustedArms Adjust(const JointMoments& control, const JointMoments& treatment);

}  // namespace vitrine::rollout
