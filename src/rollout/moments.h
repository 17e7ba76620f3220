/// Sums from which every interval of a rollout follows: counts, means and squared deviations,
/// updated one observation at a time without allocation (Welford 1962; merging: Chan, Golub &
/// LeVeque 1979).
///
/// The unit is what was randomised: the shopper. A shopper's answers are alike, so sums over
/// answers understate the spread; a shopper who comes again REPLACES what they had brought before.
/// Threads: values, one writer.
#pragma once

#include <cstdint>

namespace vitrine::rollout {

/// One number a unit.
struct Moments {
  double n = 0;
  double mean = 0;
  double m2 = 0;  ///< sum of squared deviations from the mean

  void Add(double value);
  void Merge(const Moments& other);
  /// Of one unit, by n - 1; 0 below two units.
  [[nodiscard]] double Variance() const { return n > 1 ? m2 / (n - 1) : 0; }
};

/// What one shopper brought since they entered the rollout.
struct Unit {
  double value = 0;   ///< clicks, purchases, money
  double weight = 1;  ///< what it is divided by: answers or places seen; 1 for a mean a shopper
  double before = 0;  ///< the same shopper's figure from before the rollout (CUPED); 0: unknown
};

/// Means and co-deviations of units. The metric is sum(value) / sum(weight).
struct JointMoments {
  double n = 0;
  double value = 0, weight = 0, before = 0;                    ///< means
  double value_value = 0, value_weight = 0, value_before = 0;  ///< sums of products of deviations
  double weight_weight = 0, weight_before = 0, before_before = 0;

  void Add(const Unit& unit);
  /// The unit that was added or replaced as `old` is `now`. Precondition: n >= 1.
  void Replace(const Unit& old, const Unit& now);
  void Merge(const JointMoments& other);

  /// How many units would have brought the value's sum if all who brought something had brought the
  /// same: (sum v)^2 / sum v^2, Kish's effective size. For yes or no, the number of those with yes.
  [[nodiscard]] double EffectiveHits() const;
};

/// Yes or no an observation: failed answers, slow answers, shoppers who bought.
struct HitCounts {
  std::uint64_t n = 0;
  std::uint64_t hits = 0;  ///< at most n

  void Add(bool hit) {
    ++n;
    hits += hit ? 1 : 0;
  }
  [[nodiscard]] double Share() const {
    return n == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(n);
  }
};

}  // namespace vitrine::rollout
