/// What would a candidate have earned, from a log of what another policy showed? Each logged choice
/// is weighed by how much likelier the candidate would have made it. It replaces no test on
/// shoppers: it says beforehand which candidates deserve one.
///   weight w = candidate's probability / propensity
///   IPS    sum w r / rows: unbiased, noisy (Horvitz & Thompson 1952)
///   SNIPS  sum w r / sum w: a little bias, much less noise (Swaminathan & Joachims, NIPS 2015)
///   DR     sum (v + w (r - q)) / rows: unbiased where propensities OR reward estimates are right
///          (Dudik, Langford & Li, ICML 2011, equation 4)
/// A row is one shown place. Of a list with many places, each is a row: its item is taken to act on
/// its own place alone (item-position model: Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay &
/// Wen, KDD 2018).
/// Intervals are Student's, with the standard error over shoppers, not rows (ratio and delta method):
/// a shopper's rows are alike. The degrees of freedom are those that the kurtosis of the shoppers'
/// parts leaves, 2 n / (kurtosis - 1) (Satterthwaite 1946): a few large weights are a small sample.
/// They hold at one look, for a policy that was chosen before it.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"

namespace vitrine::rollout {

struct LoggedChoice {
  std::uint64_t user = 0;         ///< any number that is the same for the same shopper
  double propensity = 0;          ///< of what was shown, when it was shown, in (0, 1]
  double candidate = 0;           ///< the candidate's probability of the same, in [0, 1]
  double reward = 0;              ///< what came of it
  double shown_estimate = 0;      ///< q: a model's expectation of the reward; 0 with no model
  double candidate_estimate = 0;  ///< v: the same model's, over what the candidate would show
};

struct OffPolicyOptions {
  double alpha = 0.05;
  /// Weights above it are cut to it: less noise, and a value that is too low by what was cut. 0:
  /// none are.
  double clip = 0;
  double minimum_effective_rows = 100;
};

struct PolicyValue {
  double value = 0;  ///< reward a row
  double low = 0;
  double high = 0;
  double standard_error = 0;
};

struct OffPolicyReport {
  std::size_t rows = 0;
  std::size_t users = 0;
  PolicyValue logged;  ///< what the log itself earned
  PolicyValue ips;
  PolicyValue snips;
  PolicyValue doubly_robust;
  double mean_weight = 0;     ///< before cutting; 1 where log and candidate fit together
  double weight_error = 0;    ///< its standard error, over shoppers
  double largest_weight = 0;  ///< before cutting
  double effective_rows = 0;  ///< (sum w)^2 / sum w^2, of the weights that were used
  double clipped = 0;         ///< share of the weights' sum that was cut away
  /// Sentences; empty: nothing speaks against the estimates. "Weights are 0.62 on average, ..."
  std::vector<std::string> problems;
};

/// Errors: kInvalidArgument (no rows; a propensity, probability or number outside its range, with
/// the row), kFailedPrecondition (the candidate would have shown nothing of what was shown)
Result<OffPolicyReport> EstimateValue(std::span<const LoggedChoice> choices,
                                      const OffPolicyOptions& options);

/// The report's fields; an open end of an interval is null.
std::string ToJson(const OffPolicyReport& report);
/// A table of the estimates, then the problems.
std::string ToText(const OffPolicyReport& report, const OffPolicyOptions& options);

}  // namespace vitrine::rollout
