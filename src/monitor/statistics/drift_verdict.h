/// Has a distribution moved? A verdict that takes sample size, number of bins and number of looks
/// into account, so that many bins, small samples or many features do not raise an alarm by chance.
///   1. Bins too rare to be judged (fewer than 5 expected in the smaller sample) are put together.
///   2. p: two-sample chi-square; for ordered bins the smaller of it and the binned
///      Kolmogorov-Smirnov test, doubled (Bonferroni over the two).
///   3. Effect: PSI above what chance alone gives, PSI - (bins - 1)(1/n + 1/m), never below 0:
///      under no change PSI (1/n + 1/m)^-1 is close to chi-square with bins - 1 degrees.
///   4. Drift: p below its share of alpha AND the effect at or above the floor. Over several
///      features the shares follow Holm.
/// Source: Yurdakul 2018 (distribution of PSI), Holm 1979.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vitrine::monitor {

struct DriftOptions {
  double alpha = 0.01;           ///< chance of any false alarm in one report
  double minimum_effect = 0.02;  ///< corrected PSI below it is no drift, however sure
  double strong_effect = 0.1;    ///< corrected PSI from it on is strong
  double minimum_rows = 100;     ///< fewer (effective) rows on either side: not judged
};

struct DriftInput {
  std::string feature;
  std::vector<double> reference;  ///< counts, or shares with reference_rows beside them
  std::vector<double> current;    ///< counts
  double reference_rows = 0;      ///< 0: the sum of `reference`
  bool ordered = true;            ///< bins of a number, not levels of a word
  /// How many values came from one independent observation (places of one history): divides both
  /// sample sizes. At least 1.
  double values_per_row = 1;
};

struct DriftVerdict {
  std::string feature;
  double psi = 0;            ///< of the bins as they are, empty bins at kEmptyBinShare
  double corrected_psi = 0;  ///< the effect, see 3.
  double js_distance = 0;    ///< square root of the divergence in base 2, [0, 1]
  double ks = 0;             ///< binned, ordered bins only
  double p_value = 1;
  double alpha = 0;           ///< what p was compared with
  double bins = 0;            ///< after putting rare ones together
  double reference_rows = 0;  ///< effective
  double current_rows = 0;
  bool judged = false;
  bool drifted = false;
  bool strong = false;
};

/// Everything but alpha, drifted and strong. Precondition: as many bins on both sides.
DriftVerdict Measure(const DriftInput& input, const DriftOptions& options);

/// Measures all and decides together.
std::vector<DriftVerdict> JudgeDrift(std::span<const DriftInput> inputs,
                                     const DriftOptions& options);

/// The part of alpha for the look-th look (1, 2, ...) at one growing stream; all parts together are
/// alpha: alpha / (look (look + 1)).
double SpentAlpha(double alpha, std::uint64_t look);

}  // namespace vitrine::monitor
