#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "monitor/diagnosis/findings.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::monitor {
namespace {

// A fifth more: below it nobody notices, and the hour of the day does as much.
constexpr double kSlowerRatio = 1.2;
// Half a millisecond: an answer of 0.2 ms that takes 0.3 is what other work on the machine does to it.
constexpr double kNoticedSeconds = 0.0005;
// A stage that makes up less than this of what was lost is no cause of it.
constexpr double kLeastPart = 0.3;
// A model a quarter larger reads a quarter more memory a request; less is another seed's vocabulary.
constexpr double kLargerRatio = 1.25;
// Half the rows a run: each row pays the fixed cost of a run twice.
constexpr double kFewerRowsRatio = 0.5;
// Half as many requests again; days differ by less.
constexpr double kMoreLoadRatio = 1.5;
// Queues grow without bound as use nears 1; at 0.9 a wait is ten times a service time (M/M/1).
constexpr double kSaturated = 0.9;
// Of an answer's time: what less than this does says nothing of the machine.
constexpr double kSmallStage = 0.05;
// How far stages that wait for the same cores grow apart.
constexpr double kAlikeRatio = 1.5;
// A tenth of the requests that were answered from memory and are now made.
constexpr double kCacheLoss = 0.1;

// Half of each: answers of one moment are slow together, and count for fewer.
std::vector<double> Counts(const std::vector<std::uint64_t>& buckets) {
  std::vector<double> counts;
  counts.reserve(buckets.size());
  for (const std::uint64_t count : buckets) {
    counts.push_back(static_cast<double>(count) / 2);
  }
  return counts;
}

Verdict Slower(const std::optional<LatencySample>& before,
               const std::optional<LatencySample>& after) {
  if (!before || !after || before->buckets.size() != after->buckets.size()) {
    return Verdict::kUnknown;
  }
  const std::vector<double> a = Counts(before->buckets);
  const std::vector<double> b = Counts(after->buckets);
  const auto least = static_cast<double>(kLeastRows) / 2;
  if (std::accumulate(a.begin(), a.end(), 0.0) < least ||
      std::accumulate(b.begin(), b.end(), 0.0) < least) {
    return Verdict::kUnknown;
  }
  const auto larger = [](double was, double is) {
    return is >= kSlowerRatio * was && is - was >= kNoticedSeconds;
  };
  if (!larger(before->p95_seconds, after->p95_seconds) &&
      !larger(before->mean_seconds, after->mean_seconds)) {
    return Verdict::kWell;
  }
  if (ChiSquareTwoSamples(a, b).p_value >= kSure) {
    return Verdict::kWell;
  }
  // A moment in which the machine did something else moves buckets surely, and the mean of its batch alone.
  return before->seconds && after->seconds ? Rose(before->seconds, after->seconds, 1)
                                           : Verdict::kBad;
}

double Rise(const std::optional<MeanSample>& before, const std::optional<MeanSample>& after) {
  return before && after ? after->mean - before->mean : 0;
}

// What the rules below have in common: how much was lost in all, and whether that is known.
struct Loss {
  double seconds = 0;
  bool known = false;
  std::vector<EvidenceLine> total;  ///< of whole answers, behind the lines of each cause

  [[nodiscard]] std::vector<EvidenceLine> Lines(std::vector<EvidenceLine> own) const {
    own.insert(own.end(), total.begin(), total.end());
    return own;
  }
  [[nodiscard]] double PartOf(double rise) const { return seconds > 0 ? rise / seconds : 0; }
  [[nodiscard]] double Confidence(double part, double more) const {
    const double confidence = std::min(ConfidenceOfPart(part) + more, kProven);
    return known ? confidence : std::min(confidence, kWithoutEffect + more);
  }
};

Loss LossOf(const VersionEvidence& before, const VersionEvidence& after, bool known) {
  Loss loss{0, known, {}};
  if (before.latency && after.latency) {
    const LatencySample& was = *before.latency;
    const LatencySample& is = *after.latency;
    loss.total = {{Quantity::kMeanSeconds, "", was.mean_seconds, is.mean_seconds, ""},
                  {Quantity::kP95Seconds, "", was.p95_seconds, is.p95_seconds, ""}};
    loss.seconds = is.mean_seconds - was.mean_seconds;
    if (loss.seconds > 0) {
      return loss;
    }
  }
  loss.seconds = 0;
  for (const double rise : {Rise(before.queue_seconds, after.queue_seconds),
                            Rise(before.features_seconds, after.features_seconds),
                            Rise(before.graph_seconds, after.graph_seconds),
                            Rise(before.rest_seconds, after.rest_seconds)}) {
    loss.seconds += std::max(rise, 0.0);
  }
  return loss;
}

// A stage that rose surely and explains enough; the part, or nothing.
std::optional<double> StagePart(Look look, const std::optional<MeanSample>& before,
                                const std::optional<MeanSample>& after, const Loss& loss,
                                Findings& findings) {
  Verdict verdict = Rose(before, after, kSlowerRatio);
  const double rise = Rise(before, after);
  const double part = loss.PartOf(rise);
  if (verdict == Verdict::kBad && (part < kLeastPart || rise < kLeastPart * kNoticedSeconds)) {
    verdict = Verdict::kWell;
  }
  return findings.Noted(look, verdict) ? std::optional<double>(part) : std::nullopt;
}

EvidenceLine StageLine(Quantity quantity, const std::optional<MeanSample>& before,
                       const std::optional<MeanSample>& after) {
  EvidenceLine line{quantity, "", {}, {}, ""};
  if (before) {
    line.before = before->mean;
  }
  if (after) {
    line.after = after->mean;
  }
  return line;
}

// Measured without noise: a size, a number of cores. `bad`: by the ratio of after to before.
template <typename Number, typename Bad>
Verdict Ratio(const std::optional<Number>& before, const std::optional<Number>& after, Bad bad) {
  if (!before || !after || static_cast<double>(*before) <= 0) {
    return Verdict::kUnknown;
  }
  return bad(static_cast<double>(*after) / static_cast<double>(*before)) ? Verdict::kBad
                                                                         : Verdict::kWell;
}

template <typename Number>
EvidenceLine NumberLine(Quantity quantity, const std::optional<Number>& before,
                        const std::optional<Number>& after) {
  EvidenceLine line{quantity, "", {}, {}, ""};
  if (before) {
    line.before = static_cast<double>(*before);
  }
  if (after) {
    line.after = static_cast<double>(*after);
  }
  return line;
}

// The graph takes longer: a larger model, fewer rows a run, or itself.
void LookAtGraph(const VersionEvidence& before, const VersionEvidence& after, const Loss& loss,
                 Findings& findings) {
  const auto larger = Ratio(before.model_bytes, after.model_bytes,
                            [](double ratio) { return ratio >= kLargerRatio; });
  const auto fewer = Ratio(before.batch_rows, after.batch_rows,
                           [](double ratio) { return ratio <= kFewerRowsRatio; });
  const auto part =
      StagePart(Look::kGraph, before.graph_seconds, after.graph_seconds, loss, findings);
  // A change of size alone is what a deploy is for: no fault, so noted only beside a slower graph.
  findings.Noted(Look::kModelSize, larger == Verdict::kBad && !part ? Verdict::kWell : larger);
  findings.Noted(Look::kBatches, fewer == Verdict::kBad && !part ? Verdict::kWell : fewer);
  if (!part) {
    return;
  }
  const EvidenceLine seconds =
      StageLine(Quantity::kGraphSeconds, before.graph_seconds, after.graph_seconds);
  if (larger == Verdict::kBad) {
    findings.Found(CauseCode::kLargerModel, loss.Confidence(*part, 0.03),
                   loss.Lines({seconds, NumberLine(Quantity::kModelBytes, before.model_bytes,
                                                   after.model_bytes)}),
                   {Step::kModelShow, Step::kBench, Step::kRollback});
  }
  if (fewer == Verdict::kBad) {
    findings.Found(CauseCode::kSmallerBatches, loss.Confidence(*part, 0.02),
                   loss.Lines({seconds, NumberLine(Quantity::kBatchRows, before.batch_rows,
                                                   after.batch_rows)}),
                   {Step::kConfig, Step::kBench, Step::kRollback});
  }
  if (larger != Verdict::kBad && fewer != Verdict::kBad) {
    findings.Found(CauseCode::kGraphSlower, loss.Confidence(*part, 0), loss.Lines({seconds}),
                   {Step::kModelShow, Step::kBench, Step::kRollback});
  }
}

// Requests wait longer: fewer cores, more requests, no core free, or more work a request. The surer
// explanation says more, so it comes first.
void LookAtQueue(const VersionEvidence& before, const VersionEvidence& after, const Loss& loss,
                 Findings& findings) {
  const auto fewer = Ratio(before.cores, after.cores, [](double ratio) { return ratio < 1; });
  const auto more = Ratio(before.requests_per_second, after.requests_per_second,
                          [](double ratio) { return ratio >= kMoreLoadRatio; });
  const Verdict busy = !after.cpu_share                ? Verdict::kUnknown
                       : *after.cpu_share < kSaturated ? Verdict::kWell
                                                       : Verdict::kBad;
  const auto part =
      StagePart(Look::kQueue, before.queue_seconds, after.queue_seconds, loss, findings);
  findings.Noted(Look::kCores, fewer == Verdict::kBad && !part ? Verdict::kWell : fewer);
  findings.Noted(Look::kLoad, more == Verdict::kBad && !part ? Verdict::kWell : more);
  findings.Noted(Look::kCpu, busy == Verdict::kBad && !part ? Verdict::kWell : busy);
  if (!part) {
    return;
  }
  const EvidenceLine seconds =
      StageLine(Quantity::kQueueSeconds, before.queue_seconds, after.queue_seconds);
  if (fewer == Verdict::kBad) {
    findings.Found(CauseCode::kFewerCores, loss.Confidence(*part, 0.04),
                   loss.Lines({seconds, NumberLine(Quantity::kCores, before.cores, after.cores)}),
                   {Step::kMoreThreads, Step::kConfig});
  }
  if (more == Verdict::kBad) {
    findings.Found(
        CauseCode::kMoreLoad, loss.Confidence(*part, 0.03),
        loss.Lines({seconds, NumberLine(Quantity::kRequestRate, before.requests_per_second,
                                        after.requests_per_second)}),
        {Step::kHistoryService, Step::kBench, Step::kMoreThreads});
  }
  if (busy == Verdict::kBad) {
    findings.Found(
        CauseCode::kCpuSaturated, loss.Confidence(*part, 0.02),
        loss.Lines({seconds, NumberLine(Quantity::kCpuShare, before.cpu_share, after.cpu_share)}),
        {Step::kBench, Step::kMoreThreads, Step::kRollback});
  }
  if (fewer != Verdict::kBad && more != Verdict::kBad && busy != Verdict::kBad) {
    findings.Found(CauseCode::kQueueLonger, loss.Confidence(*part, 0), loss.Lines({seconds}),
                   {Step::kHistoryService, Step::kConfig});
  }
}

// Everything around features and graph: the search for dense items is there, and what the cache saved.
void LookAtRest(const VersionEvidence& before, const VersionEvidence& after, const Loss& loss,
                Findings& findings) {
  const auto part = StagePart(Look::kRest, before.rest_seconds, after.rest_seconds, loss, findings);
  const Verdict index = !before.neighbours || !after.neighbours            ? Verdict::kUnknown
                        : *before.neighbours && !*after.neighbours && part ? Verdict::kBad
                                                                           : Verdict::kWell;
  const bool lost = findings.Noted(Look::kIndex, index);
  if (!part) {
    return;
  }
  const EvidenceLine seconds =
      StageLine(Quantity::kRestSeconds, before.rest_seconds, after.rest_seconds);
  if (lost) {
    findings.Found(CauseCode::kIndexLost, loss.Confidence(*part, 0.03),
                   loss.Lines({seconds, NumberLine(Quantity::kNeighbours, before.neighbours,
                                                   after.neighbours)}),
                   {Step::kStatus, Step::kConfig, Step::kRollback});
  } else {
    findings.Found(CauseCode::kRestSlower, loss.Confidence(*part, 0), loss.Lines({seconds}),
                   {Step::kHistoryService, Step::kDoctor});
  }
}

// Of answers that came from memory and are now made, each costs what a made one costs: the part is not
// known, so the confidence is that of a likely cause.
void LookAtCache(const VersionEvidence& before, const VersionEvidence& after, const Loss& loss,
                 Findings& findings) {
  if (findings.Noted(Look::kCache, Fell(before.cache_hits, after.cache_hits, kCacheLoss))) {
    findings.Found(CauseCode::kCacheCold, loss.known ? kLikely : kResidual,
                   loss.Lines({{Quantity::kCacheShare, "", ShareOf(before.cache_hits),
                                ShareOf(after.cache_hits), ""}}),
                   {Step::kWait, Step::kConfig});
  }
}

// Every stage that counts takes longer by much the same, and the cores are busy: it is not the version's work that
// grew, the machine has less time for it.
void LookAtMachine(const VersionEvidence& before, const VersionEvidence& after, const Loss& loss,
                   Findings& findings) {
  if (!after.cpu_share || *after.cpu_share < kSaturated || !before.latency) {
    return;  // noted beside the queue
  }
  std::size_t stages = 0;
  double least = 0;
  double most = 0;
  for (const auto stage : {&VersionEvidence::features_seconds, &VersionEvidence::graph_seconds,
                           &VersionEvidence::rest_seconds}) {
    const std::optional<MeanSample>& was = before.*stage;
    const std::optional<MeanSample>& is = after.*stage;
    if (!was || !is || was->mean < kSmallStage * before.latency->mean_seconds) {
      continue;
    }
    if (Rose(was, is, kSlowerRatio) != Verdict::kBad) {
      return;
    }
    const double ratio = is->mean / was->mean;
    least = stages == 0 ? ratio : std::min(least, ratio);
    most = std::max(most, ratio);
    ++stages;
  }
  if (stages < 2 || most > kAlikeRatio * least) {
    return;
  }
  findings.Noted(Look::kCpu, Verdict::kBad);
  findings.Found(CauseCode::kCpuSaturated, loss.Confidence(1, 0.05),
                 loss.Lines({NumberLine(Quantity::kCpuShare, before.cpu_share, after.cpu_share)}),
                 {Step::kBench, Step::kMoreThreads, Step::kRollback});
}

}  // namespace

void LookForSlower(const Evidence& evidence, Findings& findings) {
  const Verdict slower = Slower(evidence.before.latency, evidence.after.latency);
  findings.Noted(Look::kLatency, slower);
  if (slower == Verdict::kWell) {
    return;  // it is not slower: a stage that grew has been paid for by another
  }
  const Loss loss = LossOf(evidence.before, evidence.after, slower == Verdict::kBad);
  LookAtGraph(evidence.before, evidence.after, loss, findings);
  LookAtQueue(evidence.before, evidence.after, loss, findings);
  const auto part = StagePart(Look::kFeatures, evidence.before.features_seconds,
                              evidence.after.features_seconds, loss, findings);
  if (part) {
    findings.Found(
        CauseCode::kFeaturesSlower, loss.Confidence(*part, 0),
        loss.Lines({StageLine(Quantity::kFeaturesSeconds, evidence.before.features_seconds,
                              evidence.after.features_seconds)}),
        {Step::kModelShow, Step::kConfig, Step::kRollback});
  }
  LookAtRest(evidence.before, evidence.after, loss, findings);
  LookAtMachine(evidence.before, evidence.after, loss, findings);
  LookAtCache(evidence.before, evidence.after, loss, findings);
}

}  // namespace vitrine::monitor
