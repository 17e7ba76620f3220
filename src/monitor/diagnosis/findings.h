/// What the rules of a diagnosis share: where they write, and when a difference counts.
///
/// A difference counts where it is sure and large. Sure: p below kSure. A diagnosis makes fewer than 100
/// tests (stages, scenes, shares; all features share one), so by Bonferroni a healthy shop is given a false cause in
/// less than one diagnosis of a hundred, whatever the tests have to do with each other. Large: each rule
/// names its floor.
///
/// Confidence says how directly the evidence shows the cause:
///   kProven    the evidence is the failure itself (the file is missing, the port is taken)
///   kDirect    a measured change that does this by how it works (skewed features spoil scores)
///   kLikely    a measured change that often does this
///   kResidual  something changed, everything else that was looked at did not
///   kLast      the same, but other causes were found that may be all of it
/// and where parts of a whole are known, from kResidual to 0.9 by the part that is explained.
/// Threads: pure functions; Findings one caller at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "monitor/diagnosis/cause.h"
#include "monitor/diagnosis/evidence.h"

namespace vitrine::monitor {

inline constexpr double kSure = 1e-4;
inline constexpr double kProven = 0.95;
inline constexpr double kDirect = 0.8;
inline constexpr double kLikely = 0.65;
inline constexpr double kResidual = 0.5;
inline constexpr double kLast = 0.3;
/// Of a cause whose effect (slower, worse) could not be looked at: what it should explain is not known.
inline constexpr double kWithoutEffect = 0.6;
/// Below it on either side a comparison says nothing: the normal and chi-square limits of the tests.
inline constexpr std::uint64_t kLeastRows = 200;
/// The same of batches of time: with fewer their spread is hardly known.
inline constexpr std::uint64_t kLeastBatches = 16;

enum class Verdict : std::uint8_t { kUnknown, kWell, kBad };

/// By the part of the effect that is explained, [0, 1].
double ConfidenceOfPart(double part);

/// Two-sided p of a standard normal z.
double NormalP(double z);

/// Whether the mean rose by at least `least_ratio` - 1 of what it was, surely: Welch's t where an error comes from
/// batches of time, else z.
Verdict Rose(const std::optional<MeanSample>& before, const std::optional<MeanSample>& after,
             double least_ratio);

/// Whether the share rose (fell) by at least `least`, surely: chi-square over half the rows, since rows of
/// one shopper are alike and count for fewer. `sure`: kSure, shared where a rule asks for each of many features.
Verdict Rose(const std::optional<ShareSample>& before, const std::optional<ShareSample>& after,
             double least, double sure = kSure);
Verdict Fell(const std::optional<ShareSample>& before, const std::optional<ShareSample>& after,
             double least);

/// Whether the share lies above `bound`, surely: z of the share against the bound over half the rows.
Verdict Above(const std::optional<ShareSample>& share, double bound, double sure = kSure);

/// Whether the rate fell by at least `least_part` of what it was, surely; from 95 % intervals, which know
/// about shoppers that are alike.
Verdict Fell(const MetricValue& before, const MetricValue& after, double least_part);

double ShareOf(const ShareSample& sample);
std::optional<double> ShareOf(const std::optional<ShareSample>& sample);

class Findings {
 public:
  void Found(CauseCode code, double confidence, std::vector<EvidenceLine> evidence,
             std::vector<Step> next);
  void Healthy(Look look) { healthy_.insert(look); }
  void Missing(Look look) { missing_.insert(look); }
  /// Notes a verdict that needs no more than that; returns whether it is bad.
  bool Noted(Look look, Verdict verdict);

  /// Everything of another question.
  void Add(Findings&& other);

  /// Sorted, one cause a code, each with what else was looked at.
  [[nodiscard]] Diagnosis Finish(Question question) &&;
  [[nodiscard]] bool empty() const { return causes_.empty(); }
  [[nodiscard]] bool any_missing() const { return !missing_.empty(); }

 private:
  std::vector<Cause> causes_;
  std::set<Look> healthy_;
  std::set<Look> missing_;
  std::set<Look> bad_;
};

// The rules of each question.
void LookForSlower(const Evidence& evidence, Findings& findings);
void LookForWorse(const Evidence& evidence, Findings& findings);
void LookForStart(const Evidence& evidence, Findings& findings);
void LookForWrongNumbers(const Evidence& evidence, Findings& findings);
void LookForReach(const Evidence& evidence, Findings& findings);

}  // namespace vitrine::monitor
