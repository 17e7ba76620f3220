/// Guardrails: a metric that a candidate must not harm, and the verdict of the evidence so far.
/// Verdicts may be asked for after every request and acted on at once: each is wrong with a chance
/// of at most alpha over the whole rollout, not at each look.
///
/// harmful   the loss is surely larger than the tolerated one
/// safe      the loss is surely smaller than the tolerated one (non-inferior)
/// better    there is surely a gain, however small
/// undecided neither; more shoppers will tell
///
/// Two kinds of sums:
///   means and ratios by shopper (clicks an answer, revenue a visitor): JudgeMean, an asymptotic
///   confidence sequence with CUPED;
///   shares (failed answers, NaN answers, slow answers, visitors who bought): JudgeShare, exact.
///
/// Latency is a share: that of answers slower than a bound, usually the p95 that the control had
/// before the rollout began. A difference of two quantiles needs the density at the quantile, which
/// sketches know badly and a tail worst of all, and it is never exact; a share is two whole
/// numbers, exact from the first answer, indifferent to how slow the slowest are, and what was
/// promised in terms of service objectives anyway. The bound must stand before the answers that it
/// judges.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "rollout/confidence_sequence.h"
#include "rollout/cuped.h"
#include "rollout/moments.h"
#include "rollout/proportion_sequence.h"

namespace vitrine::rollout {

enum class Better : unsigned char { kHigher, kLower };

struct Guardrail {
  std::string metric;  ///< "click_rate", "errors": for texts
  Better better = Better::kHigher;
  /// The largest loss that is tolerated, 0 or more: a share of the control's value where `relative`
  /// (0.02 is 2 %), else in the metric's own unit. Of what is rare and best 0 (errors), take it
  /// absolute: a share of nothing is nothing, and one failed answer would break it.
  double tolerated = 0;
  bool relative = true;
};

enum class Verdict : unsigned char { kUndecided = 0, kSafe = 1, kHarmful = 2, kBetter = 3 };

/// "undecided", "safe", "harmful", "better".
std::string_view VerdictName(Verdict verdict);

struct GuardrailOptions {
  SequenceOptions sequence;  ///< alpha is this guardrail's part, see SharedAlpha
  /// Means only, of values of 0 or more: with fewer effective hits (moments.h) than this in the
  /// smaller arm, at the rate of both together, nothing is said. Four purchases are no normal
  /// distribution.
  double minimum_hits = 20;
};

/// Bonferroni: each guardrail's part of a rollout's alpha, so that the chance of any false alarm is
/// at most alpha. 0 guardrails count as one.
double SharedAlpha(double alpha, std::size_t guardrails);

/// What a verdict rests on. Values are of one unit: a shopper, an answer.
struct GuardrailEvidence {
  Guardrail guardrail;
  Verdict verdict = Verdict::kUndecided;
  /// Values of the metric over all stretches, for the reader; adjusted where there is a covariate.
  /// The intervals compare within stretches, so they need not be centred on these values'
  /// difference.
  double control = 0;
  double treatment = 0;
  double control_n = 0;  ///< units: shoppers of a mean, observations of a share
  double treatment_n = 0;
  Interval difference;  ///< treatment - control, always valid
  /// How far the treatment is above what is tolerated, positive on the good side; the verdicts
  /// harmful and safe are this interval's side of 0.
  Interval margin;
  double alpha = 0;          ///< spent on this guardrail
  double variance_left = 1;  ///< after CUPED
  bool exact = false;        ///< a share's evidence; else asymptotic
};

/// The two arms of one stretch with an unchanged share; a ramp has several (Pool).
struct ArmMoments {
  JointMoments control;
  JointMoments treatment;
};

/// Values must be 0 or more (money, counts), see minimum_hits. Undecided where no stretch has the
/// minimum of units and hits.
GuardrailEvidence JudgeMean(const Guardrail& guardrail, std::span<const ArmMoments> stretches,
                            const GuardrailOptions& options);

/// Exact from the first observation on: no minimum holds.
GuardrailEvidence JudgeShare(const Guardrail& guardrail, std::span<const ArmCounts> stretches,
                             const GuardrailOptions& options);

/// One sentence for the audit log: "Harmful: click_rate is 0.0412 against 0.05 of ...".
std::string Sentence(const GuardrailEvidence& evidence);

/// {"metric","better","tolerated","relative","verdict","control","treatment","control_n",
///  "treatment_n","difference":[low,high],"margin":[low,high],"alpha","variance_left","exact",
///  "sentence"}; an end that is not known is null.
std::string ToJson(const GuardrailEvidence& evidence);

}  // namespace vitrine::rollout
