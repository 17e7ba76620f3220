#include "rollout/proportion_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/log_gamma.h"

namespace vitrine::rollout {
namespace {

constexpr double kPrior = 0.5;
constexpr int kHalvings = 32;  // of 1 at most: below 1e-9

/// count * ln(p), where nothing counted costs nothing.
double CountedLog(double count, double p) { return count <= 0 ? 0 : count * std::log(p); }

double Hits(const HitCounts& counts) { return static_cast<double>(counts.hits); }
double Misses(const HitCounts& counts) { return static_cast<double>(counts.n - counts.hits); }

/// ln B(a + s, a + n - s) - ln B(a, a): what the counts weigh under the mixture.
double LogMixture(const HitCounts& counts) {
  const double s = Hits(counts);
  const double f = Misses(counts);
  return LogGamma(kPrior + s) + LogGamma(kPrior + f) - LogGamma(2 * kPrior + s + f) -
         (2 * LogGamma(kPrior) - LogGamma(2 * kPrior));
}

double LogLikelihood(const HitCounts& counts, double p) {
  return CountedLog(Hits(counts), p) + CountedLog(Misses(counts), 1 - p);
}

/// Slope of ln E by the share; the ends of [0, 1] are kept a hair away from 0 / 0.
double EvidenceSlope(const HitCounts& counts, double share) {
  const double p = std::clamp(share, 1e-15, 1 - 1e-15);
  return Misses(counts) / (1 - p) - Hits(counts) / p;
}

/// ln of the average of product and single evidences, and how much of it each arm's evidence moves.
struct BothEvidence {
  double log = 0;
  double control_part = 0;
  double treatment_part = 0;
};

BothEvidence Average(double control, double treatment) {
  const double both = control + treatment - std::log(2.0);
  const double alone_control = control - std::log(4.0);
  const double alone_treatment = treatment - std::log(4.0);
  const double largest = std::max({both, alone_control, alone_treatment});
  if (!std::isfinite(largest)) {
    return {largest, 1, 1};
  }
  const double of_both = std::exp(both - largest);
  const double of_control = std::exp(alone_control - largest);
  const double of_treatment = std::exp(alone_treatment - largest);
  const double sum = of_both + of_control + of_treatment;
  return {largest + std::log(sum), (of_both + of_control) / sum, (of_both + of_treatment) / sum};
}

/// What does not change along a search: the counts with their mixtures.
struct WeighedArms {
  explicit WeighedArms(const ArmCounts& arms)
      : counts(arms),
        control_mixture(LogMixture(arms.control)),
        treatment_mixture(LogMixture(arms.treatment)) {}

  [[nodiscard]] BothEvidence At(double p0, double p1) const {
    return Average(control_mixture - LogLikelihood(counts.control, p0),
                   treatment_mixture - LogLikelihood(counts.treatment, p1));
  }

  const ArmCounts& counts;
  double control_mixture;
  double treatment_mixture;
};

/// Where an arm is likeliest; an empty one agrees with anything.
double Likeliest(const HitCounts& counts, double otherwise) {
  return counts.n == 0 ? otherwise : counts.Share();
}

/// The evidence against the line p1 = factor p0 + offset: at its likeliest point, which lies
/// between those of the two arms, by halving on the slope. Infinity where the line misses the
/// square.
double LogEvidenceOn(const WeighedArms& arms, const ShareBound& line) {
  const double first = std::max(0.0, -line.offset / line.factor);
  const double last = std::min(1.0, (1 - line.offset) / line.factor);
  if (first > last) {
    return std::numeric_limits<double>::infinity();
  }
  const auto treatment_at = [&line](double p0) {
    return std::clamp(line.factor * p0 + line.offset, 0.0, 1.0);
  };
  const double of_control = Likeliest(arms.counts.control, first);
  const double of_treatment =
      (Likeliest(arms.counts.treatment, treatment_at(of_control)) - line.offset) / line.factor;
  double low = std::clamp(std::min(of_control, of_treatment), first, last);
  double high = std::clamp(std::max(of_control, of_treatment), first, last);
  for (int i = 0; i < kHalvings; ++i) {
    const double p0 = (low + high) / 2;
    const double p1 = treatment_at(p0);
    const BothEvidence evidence = arms.At(p0, p1);
    const double slope =
        evidence.control_part * EvidenceSlope(arms.counts.control, p0) +
        line.factor * evidence.treatment_part * EvidenceSlope(arms.counts.treatment, p1);
    (slope < 0 ? low : high) = p0;
  }
  const double p0 = (low + high) / 2;
  return arms.At(p0, treatment_at(p0)).log;
}

/// Evidence against the half plane on one side of the line, `above` = treatment's share <= line.
double LogEvidenceAgainst(const ArmCounts& counts, const ShareBound& line, bool above) {
  const WeighedArms arms(counts);
  const double p0 = Likeliest(counts.control, counts.treatment.Share());
  const double p1 =
      Likeliest(counts.treatment, std::clamp(line.factor * p0 + line.offset, 0.0, 1.0));
  const double beyond = p1 - (line.factor * p0 + line.offset);
  // Where the likeliest pair of all is in the set, it is the one.
  const bool inside = above ? beyond <= 0 : beyond >= 0;
  return inside ? arms.At(p0, p1).log : LogEvidenceOn(arms, line);
}

double SumAgainst(std::span<const ArmCounts> stretches, const ShareBound& bound, bool above) {
  double sum = 0;
  for (const ArmCounts& arms : stretches) {
    sum += LogEvidenceAgainst(arms, bound, above);
  }
  return sum;
}

/// The end of an interval of what is implausible beyond: `inside` is plausible, `outside` the
/// extreme.
template <typename Implausible>
double End(double inside, double outside, const Implausible& implausible) {
  if (!implausible(outside)) {
    return outside;
  }
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (inside + outside) / 2;
    (implausible(middle) ? outside : inside) = middle;
  }
  return outside;
}

}  // namespace

double LogEvidence(const HitCounts& counts, double p) {
  return LogMixture(counts) - LogLikelihood(counts, p);
}

Interval ShareInterval(const HitCounts& counts, double alpha) {
  const auto implausible = [&](double p) { return LogEvidence(counts, p) > -std::log(alpha); };
  const double share = Likeliest(counts, 0.5);
  return {End(share, 0, implausible), End(share, 1, implausible), true};
}

double LogEvidenceAbove(std::span<const ArmCounts> stretches, const ShareBound& bound) {
  return SumAgainst(stretches, bound, true);
}

double LogEvidenceBelow(std::span<const ArmCounts> stretches, const ShareBound& bound) {
  return SumAgainst(stretches, bound, false);
}

Interval ShareDifference(std::span<const ArmCounts> stretches, double alpha, double factor) {
  const double limit = -std::log(alpha);
  // What is <= d is disproved for d below the interval; what is >= d, for d above it.
  const auto too_low = [&](double d) { return LogEvidenceAbove(stretches, {factor, d}) > limit; };
  const auto too_high = [&](double d) { return LogEvidenceBelow(stretches, {factor, d}) > limit; };
  return {End(1, -factor, too_low), End(-factor, 1, too_high), true};
}

}  // namespace vitrine::rollout
