/// Always-valid statements about shares (failed answers, NaN answers, slow answers, shoppers who
/// bought) that are EXACT at every size, from the first observation on: there is no normal
/// approximation and no minimum, so a version that fails at once is caught after a few answers.
///
/// For one arm with share p, the evidence of s hits in n is the Beta mixture's likelihood ratio
///   E(p) = B(a + s, a + n - s) / (B(a, a) p^s (1 - p)^(n - s)),  a = 1/2
/// a martingale with mean 1 while p is the truth. For both arms E(p0) E(p1) is one too, however
/// observations are dealt to the arms, and so is the average that is used here,
///   E = E(p0) E(p1) / 2 + E(p0) / 4 + E(p1) / 4.
/// (The product alone pays ln(n0) / 2 for not knowing the control's share: dear where a small
/// canary stands against a large control. The average pays ln 2 or ln 4 and keeps the better of
/// both.) By Ville's inequality the chance that E ever exceeds 1/alpha is at most alpha. Evidence
/// against a set of pairs is that against its most plausible pair; ln E is convex, so that pair is
/// found.
/// Source: Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021 (Beta-binomial mixture);
///   Turner, Ly & Grunwald 2024 (two arms)
///
/// Asked of the data: within one stretch, observations of an arm are independent with one share.
/// The share may differ between stretches (the steps of a ramp): each has its own, and evidence
/// adds up. Not for what one shopper does again and again: count shoppers, not their answers, and
/// of several stretches that have the same shoppers ("who bought") give only the newest, or use a
/// mean.
/// Cost:    a stretch: an interval of two arms 0.3 ms, evidence against one bound 5 us
///   (./dev bench rollout guardrail)
/// Threads: pure functions; no allocation.
#pragma once

#include <span>

#include "rollout/confidence_sequence.h"
#include "rollout/moments.h"

namespace vitrine::rollout {

struct ArmCounts {
  HitCounts control;
  HitCounts treatment;
};

/// ln E(p), p in [0, 1]; infinity where p cannot have given the counts.
double LogEvidence(const HitCounts& counts, double p);

/// Of one share, by the same evidence.
Interval ShareInterval(const HitCounts& counts, double alpha);

/// Which shares of the treatment are asked about: those on one side of factor * control + offset.
struct ShareBound {
  double factor = 1;  ///< above 0
  double offset = 0;
};

/// ln of the evidence against "treatment's share <= bound" and against ">= bound". At ln(1/alpha)
/// it is proven false. Sums over stretches; 0 or less where the counts lie on that side themselves.
double LogEvidenceAbove(std::span<const ArmCounts> stretches, const ShareBound& bound);
double LogEvidenceBelow(std::span<const ArmCounts> stretches, const ShareBound& bound);

/// Of treatment's share - factor * control's, in [-factor, 1]: all differences against which the
/// evidence is below 1/alpha, both sides together.
Interval ShareDifference(std::span<const ArmCounts> stretches, double alpha, double factor = 1);

}  // namespace vitrine::rollout
