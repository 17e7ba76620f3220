/// Always-valid intervals for means: the chance that the interval EVER leaves out the truth, over
/// all looks at a growing sample, is at most alpha. One may look after every request and stop
/// whenever one likes; a usual 95 % interval that is looked at like that misses the truth sooner or
/// later.
///
/// The interval is estimate -+ standard error x Boundary(n), with the normal mixture of Robbins:
///   Boundary(n)^2 = (1 + 1/k) ln((k + 1) / alpha^2),  k = n rho^2
/// It is asymptotic, as the usual z interval is: exact for normal sums with a known variance, and
/// in the limit for any mean with a finite one. So nothing is said below `minimum_n` units an arm.
/// Source: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Time-uniform central limit theory and
///   asymptotic confidence sequences, 2021 (theorem 2.2; rho from appendix B.2); Robbins 1970;
///   the late start: Bibaut, Kallus & Lindon 2022
///
/// Shoppers who come again: sums by shopper (moments.h) have increments that hang together. Such a
/// process wanders less than one of independent increments with the same variances, so by Slepian's
/// lemma a boundary that holds for the latter holds for it.
/// Threads: pure functions; no allocation.
#pragma once

#include <limits>
#include <span>

#include "rollout/moments.h"

namespace vitrine::rollout {

struct SequenceOptions {
  double alpha = 0.05;  ///< chance that the interval is ever wrong, both sides together
  /// Units an arm at which the interval shall be narrowest. Any value is valid; one that is ten
  /// times too large costs a quarter of the width, ten times too small a twelfth: rather small than
  /// large.
  double expected_n = 5000;
  double minimum_n = 100;  ///< units in each arm below which nothing is said
};

struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool judged = false;  ///< false: too few units, the interval is everything

  [[nodiscard]] bool Holds(double value) const { return low <= value && value <= high; }
};

/// A number that was estimated.
struct Estimate {
  double value = 0;
  double variance = 0;  ///< of `value` itself: its standard error squared
  double n = 0;         ///< units behind it; of two arms, their harmonic mean 2 / (1/n0 + 1/n1)
  double smallest = 0;  ///< units of the smaller arm
  double odds = 1;      ///< units of the treatment over those of the control
};

/// Half the width in standard errors. Precondition: n > 0, alpha in (0, 1), expected_n > 0.
double Boundary(double n, const SequenceOptions& options);

Estimate MeanOf(const Moments& moments);

/// treatment - factor * control. An arm's variance is taken as no less than that of both arms
/// together: a small arm in which nothing happened yet knows nothing of its own spread.
/// `factor`: 0.98 asks what is left above 98 % of the control, a relative loss without a division.
Estimate DifferenceOf(const Moments& control, const Moments& treatment, double factor = 1);

/// One estimate of a difference from several stretches of time with different shares (the steps of
/// a ramp), weighted by their units. Never add up the sums of such stretches themselves: the
/// control's would be mostly of the old days, and a busy weekend would pass for an effect.
/// The shoppers of two stretches are mostly the same, so their differences hang together: for
/// shoppers who do the same in both by sqrt(odds of the smaller share / odds of the larger), which
/// is assumed. A new stretch with an unchanged share therefore adds nothing: begin one only where
/// the share changes. Stretches below `minimum_n` units an arm are left out.
Estimate Pool(std::span<const Estimate> stretches, double minimum_n);

/// Not judged below the minimum, and where nothing varies.
Interval AlwaysValid(const Estimate& estimate, const SequenceOptions& options);

}  // namespace vitrine::rollout
