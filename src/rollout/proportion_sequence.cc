#include "rollout/proportion_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rollout/log_gamma.h"

namespace vitrine::rollout {
namespace {

constexpr double kPrior = 0.5;
constexpr int kHalvings = 50;  // of [0, 1]: below 1e-15

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

/// Slope of the log likelihood; the ends of [0, 1] are kept a hair away from 0 / 0.
double Slope(const HitCounts& counts, double share) {
  const double p = std::clamp(share, 1e-15, 1 - 1e-15);
  return Hits(counts) / p - Misses(counts) / (1 - p);
}

/// ln of the evidence against the line p1 = factor p0 + offset, which is against its likeliest point:
/// the likelihood is concave along it. Infinity where the line misses the square.
double LogEvidenceOn(const ArmCounts& arms, const ShareBound& line) {
  double low = std::max(0.0, -line.offset / line.factor);
  double high = std::min(1.0, (1 - line.offset) / line.factor);
  if (low > high) {
    return std::numeric_limits<double>::infinity();
  }
  for (int i = 0; i < kHalvings; ++i) {
    const double p0 = (low + high) / 2;
    const double p1 = line.factor * p0 + line.offset;
    const bool rises = Slope(arms.control, p0) + line.factor * Slope(arms.treatment, p1) > 0;
    (rises ? low : high) = p0;
  }
  const double p0 = (low + high) / 2;
  const double p1 = std::clamp(line.factor * p0 + line.offset, 0.0, 1.0);
  return LogMixture(arms.control) + LogMixture(arms.treatment) - LogLikelihood(arms.control, p0) -
         LogLikelihood(arms.treatment, p1);
}

/// Where an arm is likeliest; an empty one agrees with anything.
double Likeliest(const HitCounts& counts, double otherwise) {
  return counts.n == 0 ? otherwise : counts.Share();
}

/// Evidence against the half plane on one side of the line, `above` = treatment's share <= line.
double LogEvidenceAgainst(const ArmCounts& arms, const ShareBound& line, bool above) {
  const double p0 = Likeliest(arms.control, arms.treatment.Share());
  const double p1 = Likeliest(arms.treatment, std::clamp(line.factor * p0 + line.offset, 0.0, 1.0));
  const double beyond = p1 - (line.factor * p0 + line.offset);
  const bool inside = above ? beyond <= 0 : beyond >= 0;
  if (inside) {  // the likeliest pair of all is in the set
    return LogMixture(arms.control) + LogMixture(arms.treatment) - LogLikelihood(arms.control, p0) -
           LogLikelihood(arms.treatment, p1);
  }
  return LogEvidenceOn(arms, line);
}

double SumAgainst(std::span<const ArmCounts> stretches, const ShareBound& bound, bool above) {
  double sum = 0;
  for (const ArmCounts& arms : stretches) {
    sum += LogEvidenceAgainst(arms, bound, above);
  }
  return sum;
}

/// The end of an interval of what is implausible beyond: `inside` is plausible, `outside` the extreme.
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
