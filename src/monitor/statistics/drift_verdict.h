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
///
/// Looking often. 1. to 4. bound the false alarms of ONE report. A stream that is looked at a
/// thousand times raises one sooner or later at any fixed alpha. The rule for looks 1, 2, ... at one
/// stream is to spend a fixed alpha over them: look k is judged at SpentAlpha(alpha, k).
/// Proof: let A_k be "look k raises a false alarm". Holm gives P(A_k) <= SpentAlpha(alpha, k), and
/// P(A_1 or A_2 or ...) <= sum of P(A_k) <= sum of alpha (g(k) - g(k + 1)) = alpha g(1) = alpha.
/// Nothing is asked of how looks depend on each other: overlapping windows, a common baseline and
/// traffic that is asked about every second are all covered. The number of a look must not depend on
/// the data seen, and data between two looks must not be judged: so a look is made when a slot
/// closes, never when somebody asks.
/// The price: the k-th look asks for p below about alpha / (k (1 + ln k)^2), so ln(1 / p) grows by
/// ln k + 2 ln ln k: at look 1,000 a change must be seen about 10 nats of chi-square's tail more
/// clearly than at look 1, which is a window of a few hundred requests more, not a blindness.
/// An e-process (Shin, Ramdas & Rinaldo 2022) would stop earlier for a change that stays, but needs
/// the law before the change, which a baseline of 1,000 requests does not give.
/// Source: Lan & DeMets 1983 (alpha spending), Bonferroni's inequality.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vitrine::monitor {

struct DriftOptions {
  double alpha = 0.01;           ///< chance of any false alarm in one report
  double stream_alpha = 0.05;    ///< the same over all looks at one stream, however many
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
  /// Kolmogorov-Smirnov of the values themselves, where they are at hand; else it is that of the bins.
  std::optional<double> ks, ks_p_value;
};

struct DriftVerdict {
  std::string feature;
  double psi = 0;            ///< of the bins as they are, empty bins at kEmptyBinShare
  double corrected_psi = 0;  ///< the effect, see 3.
  double js_distance = 0;    ///< square root of the divergence in base 2, [0, 1]
  double ks = 0;             ///< ordered only: of the values where they are at hand, else binned
  double auc = 0;            ///< vectors only, see classifier_two_sample.h
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

/// Decides measured verdicts together, at options.alpha: fills alpha, drifted and strong.
void DecideTogether(std::span<DriftVerdict> verdicts, const DriftOptions& options);

/// The part of alpha for the look-th look (1, 2, ...) at one stream: alpha (g(k) - g(k + 1)) with
/// g(k) = 1 / (1 + ln k). All parts together are alpha; looks 1, 2, 10 and 1,000 get 0.41, 0.11,
/// 0.0085 and 1.6e-5 of it.
double SpentAlpha(double alpha, std::uint64_t look);

}  // namespace vitrine::monitor
