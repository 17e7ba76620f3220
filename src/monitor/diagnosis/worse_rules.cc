#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "monitor/diagnosis/findings.h"
#include "monitor/diagnosis/quality_change.h"
#include "monitor/statistics/distances.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::monitor {
namespace {

// A twentieth of the answers: what they lose shows in a scene's rate.
constexpr double kShareRise = 0.05;
// A value of a hundred that is served wrong: below it are rounding and events that were on their way.
constexpr double kSkewShare = 0.01;
// A tenth of what is shown stands elsewhere.
constexpr double kPositionDistance = 0.1;
// Corrected PSI from which drift counts as strong (DriftOptions).
constexpr double kStrongDrift = 0.1;

using Counts = std::map<std::string, std::uint64_t>;

std::optional<ShareSample> PartOf(const std::optional<Counts>& counts,
                                  const std::optional<std::uint64_t>& answers) {
  if (!counts || !answers) {
    return std::nullopt;
  }
  std::uint64_t hits = 0;
  for (const auto& [reason, count] : *counts) {
    hits += count;
  }
  return ShareSample{hits, *answers};
}

std::vector<EvidenceLine> ReasonLines(Quantity quantity, const VersionEvidence& before,
                                      const VersionEvidence& after, const Counts& was,
                                      const Counts& is) {
  std::vector<EvidenceLine> lines;
  for (const auto& [reason, count] : is) {
    const auto found = was.find(reason);
    const std::uint64_t old = found == was.end() ? 0 : found->second;
    EvidenceLine line{quantity, reason, {}, {}, ""};
    if (before.answers && after.answers) {
      line.before = ShareOf(ShareSample{old, *before.answers});
      line.after = ShareOf(ShareSample{count, *after.answers});
    }
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end(), [](const EvidenceLine& a, const EvidenceLine& b) {
    const double rise_a = a.after.value_or(0) - a.before.value_or(0);
    const double rise_b = b.after.value_or(0) - b.before.value_or(0);
    return rise_a != rise_b ? rise_a > rise_b : a.subject < b.subject;
  });
  return lines;
}

// Answers that the version did not give, or not whole. They are faults whatever the rates say: a version's
// rates leave its fallbacks out.
void LookAtAnswers(const Evidence& e, const QualityChange& change, Findings& findings) {
  const double most = change.verdict == Verdict::kBad ? 1 : kWithoutEffect;
  const auto look = [&](Look at, const std::optional<Counts>& was, const std::optional<Counts>& is,
                        CauseCode code, Quantity quantity) {
    const auto before = PartOf(was, e.before.answers);
    const auto after = PartOf(is, e.after.answers);
    if (findings.Noted(at, Rose(before, after, kShareRise)) && was && is && before && after) {
      const double rise = ShareOf(*after) - ShareOf(*before);
      // An answer by popularity is taken to lose all that the model gave: the most that it can explain.
      const double part = change.loss_part > 0 ? rise / change.loss_part : rise;
      findings.Found(code, std::min(ConfidenceOfPart(part), most),
                     ReasonLines(quantity, e.before, e.after, *was, *is),
                     {Step::kStatus, Step::kHistoryService, Step::kRollback});
    }
  };
  look(Look::kFallbacks, e.before.fallbacks, e.after.fallbacks, CauseCode::kFallbacksUp,
       Quantity::kFallbackShare);
  look(Look::kDegraded, e.before.degraded, e.after.degraded, CauseCode::kAnswersDegraded,
       Quantity::kDegradedShare);
}

std::optional<ShareSample> SkewOf(const SkewFeature* feature) {
  return feature == nullptr ? std::nullopt
                            : std::optional<ShareSample>({feature->mismatches, feature->values});
}

const SkewFeature* Find(const std::optional<std::vector<SkewFeature>>& skew,
                        const std::string& feature) {
  if (skew) {
    for (const SkewFeature& f : *skew) {
      if (f.feature == feature) {
        return &f;
      }
    }
  }
  return nullptr;
}

// Features that are served otherwise than they are computed: a fault, whether or not it shows yet.
void LookAtSkew(const Evidence& e, const QualityChange& change, Findings& findings) {
  if (!e.after.skew) {
    findings.Missing(Look::kSkew);
    return;
  }
  std::vector<EvidenceLine> lines;
  for (const SkewFeature& f : *e.after.skew) {
    const Verdict verdict =
        Above(SkewOf(&f), kSkewShare, kSure / static_cast<double>(e.after.skew->size()));
    if (findings.Noted(Look::kSkew, verdict)) {
      const auto old = SkewOf(Find(e.before.skew, f.feature));
      lines.push_back(
          {Quantity::kSkewShare, f.feature, ShareOf(old), ShareOf(SkewOf(&f)), f.example});
    }
  }
  if (!lines.empty()) {
    findings.Found(CauseCode::kFeaturesSkewed,
                   change.verdict == Verdict::kBad ? kDirect : kWithoutEffect, std::move(lines),
                   {Step::kStatus, Step::kModelShow, Step::kRollback});
  }
}

void LookAtMissing(const Evidence& e, const QualityChange& change, Findings& findings) {
  if (!e.before.missing_features || !e.after.missing_features) {
    findings.Missing(Look::kMissing);
    return;
  }
  std::vector<EvidenceLine> lines;
  const double sure = kSure / std::max(1.0, static_cast<double>(e.after.missing_features->size()));
  for (const auto& [feature, after] : *e.after.missing_features) {
    const auto found = e.before.missing_features->find(feature);
    if (found == e.before.missing_features->end()) {
      findings.Missing(Look::kMissing);  // a feature that only the new version has
      continue;
    }
    const std::optional<ShareSample> before = found->second;
    if (findings.Noted(Look::kMissing, Rose(before, after, kShareRise, sure))) {
      lines.push_back({Quantity::kMissingShare, feature, ShareOf(before), ShareOf(after), ""});
    }
  }
  if (!lines.empty()) {
    findings.Found(CauseCode::kFeaturesMissing,
                   change.verdict == Verdict::kBad ? kDirect : kWithoutEffect, std::move(lines),
                   {Step::kDataReport, Step::kModelShow, Step::kRollback});
  }
}

// Labels that do not find their answers make every rate fall that was not worse.
void LookAtLabels(const Evidence& e, const QualityChange& change, Findings& findings) {
  std::vector<EvidenceLine> lines;
  const auto look = [&](Quantity quantity, const std::optional<ShareSample>& before,
                        const std::optional<ShareSample>& after) {
    if (findings.Noted(Look::kJoins, Rose(before, after, kShareRise))) {
      lines.push_back({quantity, "", ShareOf(before), ShareOf(after), ""});
    }
  };
  look(Quantity::kOrphanShare, e.data_before.orphans, e.data.orphans);
  look(Quantity::kUnshownShare, e.data_before.unshown, e.data.unshown);
  look(Quantity::kUnjoinedShare, e.data_before.unjoined, e.data.unjoined);
  if (!lines.empty()) {
    findings.Found(CauseCode::kLabelsLost,
                   change.verdict == Verdict::kBad ? kDirect + 0.02 : kWithoutEffect,
                   std::move(lines), {Step::kSendRequestId, Step::kStatus, Step::kHistoryQuality});
  }
}

double MeanPosition(const std::vector<double>& counts) {
  double sum = 0;
  double weighted = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += counts[i];
    weighted += counts[i] * static_cast<double>(i + 1);
  }
  return sum > 0 ? weighted / sum : 0;
}

// Places of one answer come together, so their counts are divided by the list's length before the test.
void LookAtPositions(const Evidence& e, Findings& findings) {
  if (!e.before.positions || !e.after.positions) {
    findings.Missing(Look::kPositions);
    return;
  }
  std::vector<double> a(e.before.positions->begin(), e.before.positions->end());
  std::vector<double> b(e.after.positions->begin(), e.after.positions->end());
  const std::size_t places = std::max(a.size(), b.size());
  a.resize(places);
  b.resize(places);
  const double from = MeanPosition(a);
  const double to = MeanPosition(b);
  const double distance = TotalVariation(a, b);
  for (std::size_t i = 0; i < places; ++i) {
    a[i] /= static_cast<double>(places);
    b[i] /= static_cast<double>(places);
  }
  const auto least = static_cast<double>(kLeastRows);
  Verdict verdict = Verdict::kUnknown;
  if (std::accumulate(a.begin(), a.end(), 0.0) >= least &&
      std::accumulate(b.begin(), b.end(), 0.0) >= least) {
    verdict =
        to > from && distance >= kPositionDistance && ChiSquareTwoSamples(a, b).p_value < kSure
            ? Verdict::kBad
            : Verdict::kWell;
  }
  if (findings.Noted(Look::kPositions, verdict)) {
    findings.Found(CauseCode::kPositionsMoved, kLikely + 0.05,
                   {{Quantity::kMeanPosition, "", from, to, ""}},
                   {Step::kHistoryQuality, Step::kExplain});
  }
}

// Its verdicts are sure and corrected already (JudgeDrift). Who comes now is not whom it learnt from.
void LookAtDrift(const Evidence& e, Findings& findings) {
  if (!e.after.drift) {
    findings.Missing(Look::kDrift);
    return;
  }
  std::vector<EvidenceLine> lines;
  for (const DriftVerdict& v : *e.after.drift) {
    const bool bad = v.drifted && v.corrected_psi >= kStrongDrift;
    if (findings.Noted(Look::kDrift, !v.judged ? Verdict::kUnknown
                                     : bad     ? Verdict::kBad
                                               : Verdict::kWell)) {
      lines.push_back({Quantity::kDriftPsi, v.feature, {}, v.corrected_psi, ""});
    }
  }
  if (!lines.empty()) {
    findings.Found(CauseCode::kInputDrift, kLikely, std::move(lines),
                   {Step::kDrift, Step::kRetrain, Step::kRollback});
  }
}

// What is left: the version itself. Surer where nothing else was left out of sight.
void LookAtModel(const QualityChange& change, bool explained, bool all_seen, Findings& findings) {
  if (change.drops.empty()) {
    return;
  }
  // One scene of several: its pipeline (rules, filters, ranker) rather than the model that all share.
  const bool one = change.drops.size() < change.scenes_judged;
  findings.Found(one ? CauseCode::kSceneWorse : CauseCode::kModelWorse,
                 explained  ? kLast
                 : all_seen ? kResidual + 0.1
                            : kResidual,
                 change.drops, {Step::kHistoryQuality, Step::kExplain, Step::kRollback});
}

}  // namespace

void LookForWorse(const Evidence& evidence, Findings& findings) {
  const QualityChange change = CompareQuality(evidence.before.quality, evidence.after.quality);
  Findings own;
  own.Noted(Look::kQuality, change.verdict);
  own.Noted(Look::kMaturity, change.maturity);
  LookAtAnswers(evidence, change, own);
  LookAtSkew(evidence, change, own);
  LookAtMissing(evidence, change, own);
  if (change.verdict != Verdict::kWell) {
    LookAtLabels(evidence, change, own);
  }
  if (change.verdict == Verdict::kBad) {
    LookAtPositions(evidence, own);
    LookAtDrift(evidence, own);
    if (!change.immature.empty()) {
      own.Found(CauseCode::kNotMature, kDirect + 0.05, change.immature,
                {Step::kWait, Step::kHistoryQuality});
    }
    if (!change.mixed.empty()) {
      own.Found(CauseCode::kTrafficMix, kDirect, change.mixed, {Step::kHistoryQuality});
    }
    LookAtModel(change, !own.empty(), !own.any_missing(), own);
  }
  findings.Add(std::move(own));
}

}  // namespace vitrine::monitor
