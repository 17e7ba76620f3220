#include "rollout/guardrail.h"

#include <algorithm>
#include <vector>

namespace vitrine::rollout {
namespace {

/// treatment >= factor * control + offset (higher is better), or <=, is what is tolerated.
ShareBound Tolerated(const Guardrail& guardrail) {
  const double sign = guardrail.better == Better::kHigher ? -1 : 1;
  // A tolerated loss of everything leaves a factor above 0, which the shares' tests ask for.
  return guardrail.relative ? ShareBound{std::max(1e-9, 1 + sign * guardrail.tolerated), 0}
                            : ShareBound{1, sign * guardrail.tolerated};
}

/// `interval` of treatment - factor * control, as its distance from `offset` towards the good side.
Interval Margin(const Interval& interval, double offset, Better better) {
  if (better == Better::kHigher) {
    return {interval.low - offset, interval.high - offset, interval.judged};
  }
  return {offset - interval.high, offset - interval.low, interval.judged};
}

void Decide(GuardrailEvidence& evidence) {
  const bool higher = evidence.guardrail.better == Better::kHigher;
  const Interval& difference = evidence.difference;
  if (evidence.margin.judged && evidence.margin.high < 0) {
    evidence.verdict = Verdict::kHarmful;
  } else if (difference.judged && (higher ? difference.low > 0 : difference.high < 0)) {
    evidence.verdict = Verdict::kBetter;
  } else if (evidence.margin.judged && evidence.margin.low > 0) {
    evidence.verdict = Verdict::kSafe;
  }
}

/// Effective hits that the smaller arm has, or would have at the rate of both.
double HitsOfSmaller(const ArmMoments& arms) {
  JointMoments both = arms.control;
  both.Merge(arms.treatment);
  return both.n <= 0 ? 0
                     : both.EffectiveHits() * std::min(arms.control.n, arms.treatment.n) / both.n;
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSafe:
      return "safe";
    case Verdict::kHarmful:
      return "harmful";
    case Verdict::kBetter:
      return "better";
    case Verdict::kUndecided:
      break;
  }
  return "undecided";
}

double SharedAlpha(double alpha, std::size_t guardrails) {
  return alpha / static_cast<double>(std::max<std::size_t>(1, guardrails));
}

GuardrailEvidence JudgeMean(const Guardrail& guardrail, std::span<const ArmMoments> stretches,
                            const GuardrailOptions& options) {
  GuardrailEvidence evidence;
  evidence.guardrail = guardrail;
  evidence.alpha = options.sequence.alpha;
  const ShareBound bound = Tolerated(guardrail);
  std::vector<Estimate> differences;
  std::vector<Estimate> margins;
  Moments control;
  Moments treatment;
  double left = 0;
  for (const ArmMoments& arms : stretches) {
    const AdjustedArms adjusted = Adjust(arms.control, arms.treatment);
    control.Merge(adjusted.control);
    treatment.Merge(adjusted.treatment);
    left += adjusted.variance_left * (adjusted.control.n + adjusted.treatment.n);
    if (HitsOfSmaller(arms) >= options.minimum_hits) {
      differences.push_back(DifferenceOf(adjusted.control, adjusted.treatment));
      margins.push_back(DifferenceOf(adjusted.control, adjusted.treatment, bound.factor));
    }
  }
  evidence.control = control.mean;
  evidence.treatment = treatment.mean;
  evidence.control_n = control.n;
  evidence.treatment_n = treatment.n;
  evidence.variance_left = control.n + treatment.n > 0 ? left / (control.n + treatment.n) : 1;
  const double minimum = options.sequence.minimum_n;
  evidence.difference = AlwaysValid(Pool(differences, minimum), options.sequence);
  evidence.margin =
      Margin(AlwaysValid(Pool(margins, minimum), options.sequence), bound.offset, guardrail.better);
  Decide(evidence);
  return evidence;
}

GuardrailEvidence JudgeShare(const Guardrail& guardrail, std::span<const ArmCounts> stretches,
                             const GuardrailOptions& options) {
  GuardrailEvidence evidence;
  evidence.guardrail = guardrail;
  evidence.alpha = options.sequence.alpha;
  evidence.exact = true;
  HitCounts control;
  HitCounts treatment;
  for (const ArmCounts& arms : stretches) {
    control.n += arms.control.n;
    control.hits += arms.control.hits;
    treatment.n += arms.treatment.n;
    treatment.hits += arms.treatment.hits;
  }
  evidence.control = control.Share();
  evidence.treatment = treatment.Share();
  evidence.control_n = static_cast<double>(control.n);
  evidence.treatment_n = static_cast<double>(treatment.n);
  const ShareBound bound = Tolerated(guardrail);
  const double alpha = options.sequence.alpha;
  evidence.difference = ShareDifference(stretches, alpha);
  const Interval above =
      bound.factor == 1 ? evidence.difference : ShareDifference(stretches, alpha, bound.factor);
  evidence.margin = Margin(above, bound.offset, guardrail.better);
  Decide(evidence);
  return evidence;
}

}  // namespace vitrine::rollout
