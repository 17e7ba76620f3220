/// The usual test, for comparison and for samples whose size was fixed before the first look: a z
/// test read once. Read again and again while the sample grows it is wrong: ./dev bench rollout
/// guardrail measures by how much.
/// Threads: pure functions.
#pragma once

#include "rollout/confidence_sequence.h"

namespace vitrine::rollout {

/// P(Z <= z) of the standard normal.
double NormalBelow(double z);

/// z with P(Z <= z) = p, to 1e-12; p in (0, 1).
double NormalQuantile(double p);

/// Two-sided p of the null hypothesis that the estimated number is 0; 1 where nothing varies.
double FixedHorizonP(const Estimate& estimate);

/// estimate -+ z standard errors. Not judged where nothing varies.
Interval FixedHorizonInterval(const Estimate& estimate, double alpha);

}  // namespace vitrine::rollout
