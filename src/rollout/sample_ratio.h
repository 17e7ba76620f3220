/// Did shoppers arrive in the two arms as they were meant to? A split that is off (a candidate that
/// times out and is not counted, a cache that answers for one arm, robots) makes every comparison
/// wrong, so it is watched all the time: by a sequential test that may be looked at after every
/// shopper. The evidence against the intended shares q is the Dirichlet mixture
///   O_n = B(a + counts) / (B(a) prod q_i^counts_i),  a = concentration x q
/// a martingale with mean 1 while q is the truth; the chance that it ever reaches 1/alpha is at
/// most alpha, and p = min over time of 1/O_n is an always-valid p-value.
/// Source: Lindon & Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022
/// Count each shopper once, when they are first dealt to an arm.
/// Threads: a value, one writer; its fields are all there is to keep over a restart.
#pragma once

#include <cstdint>

#include "rollout/assignment.h"

namespace vitrine::rollout {

struct SampleRatioTest {
  double share = 0.5;             ///< the treatment's, in (0, 1)
  double concentration = 10'000;  ///< the larger, the smaller the mismatches that are looked for
  std::uint64_t control = 0;      ///< shoppers since the share was last changed
  std::uint64_t treatment = 0;
  double log_evidence = 0;  ///< ln O_n
  double largest = 0;       ///< the largest that it was

  /// A shopper was dealt to `arm`.   Cost: one logarithm, no allocation
  void Add(Arm arm);
  /// The next step of a ramp: from now on new shoppers come with another share. What was seen
  /// counts on.
  void ChangeShare(double to);

  /// Always-valid, in (0, 1].
  [[nodiscard]] double PValue() const;
  [[nodiscard]] bool Mismatch(double alpha) const { return PValue() <= alpha; }
};

}  // namespace vitrine::rollout
