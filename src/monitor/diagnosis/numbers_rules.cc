#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {
namespace {

// Of a hundred rows one: a field that is always wrong is far above it, a client's odd one below.
constexpr double kRejectedBound = 0.01;
// Retries send a few twice; one of twenty is a client that sends everything again.
constexpr double kDuplicateBound = 0.05;
constexpr double kLateBound = 0.05;
// Links that were kept and pages left open give some; one of twenty is a system that makes its own ids.
constexpr double kJoinBound = 0.05;
// What shoppers find by themselves has no answer. Where it is more than half, ids are not sent.
constexpr double kUnjoinedBound = 0.5;
// Two minutes: beyond what clocks that are set by a time server ever differ, and queues of clients take.
constexpr double kClockSeconds = 120;
// Zones differ by quarters of an hour.
constexpr double kZoneSeconds = 900;
// Counts that lack a twentieth of the log, and a thousand records at least: less is caught up at once.
constexpr double kBehindPart = 0.05;
constexpr std::uint64_t kBehindRecords = 1000;
constexpr double kForgottenBound = 0.01;

void LookAtRejected(const DataEvidence& data, Findings& findings) {
  if (!data.rejected || !data.accepted) {
    findings.Missing(Look::kRejected);
    return;
  }
  std::uint64_t refused = 0;
  for (const auto& [code, count] : *data.rejected) {
    refused += count;
  }
  const std::uint64_t all = refused + *data.accepted;
  if (!findings.Noted(Look::kRejected, Above(ShareSample{refused, all}, kRejectedBound))) {
    return;
  }
  std::vector<EvidenceLine> lines;
  for (const auto& [code, count] : *data.rejected) {
    lines.push_back({Quantity::kRejectedShare, code, {}, ShareOf(ShareSample{count, all}), ""});
  }
  std::sort(lines.begin(), lines.end(), [](const EvidenceLine& a, const EvidenceLine& b) {
    const double share_a = a.after.value_or(0);
    const double share_b = b.after.value_or(0);
    return share_a != share_b ? share_a > share_b : a.subject < b.subject;
  });
  // Rows of the future are refused, so the clock of those that were taken says nothing of it.
  if (!lines.empty() && lines.front().subject == "future_time") {
    findings.Noted(Look::kClock, Verdict::kBad);
    findings.Found(CauseCode::kClockWrong, kDirect + 0.05, {lines.front()},
                   {Step::kSetClock, Step::kDataCheck});
  }
  findings.Found(CauseCode::kRowsRejected, kDirect, std::move(lines),
                 {Step::kDataCheck, Step::kDataReport, Step::kAlerts});
}

// A share that spoils the numbers from its bound on.
void LookAtShare(Look look, const std::optional<ShareSample>& before,
                 const std::optional<ShareSample>& share, double bound, CauseCode code,
                 double confidence, Quantity quantity, std::vector<Step> next, Findings& findings) {
  if (findings.Noted(look, Above(share, bound))) {
    findings.Found(code, confidence, {{quantity, "", ShareOf(before), ShareOf(share), ""}},
                   std::move(next));
  }
}

void LookAtDuplicates(const Evidence& e, Findings& findings) {
  const DataEvidence& data = e.data;
  LookAtShare(Look::kDuplicates, e.data_before.duplicates, data.duplicates, kDuplicateBound,
              CauseCode::kEventsTwice, kLikely, Quantity::kDuplicateShare,
              {Step::kSendOnce, Step::kStatus}, findings);
  // Each place counts once, yet repeats came in without the id that would have told them apart.
  if (data.more_clicks_than_shown && *data.more_clicks_than_shown) {
    findings.Noted(Look::kDuplicates, Verdict::kBad);
    findings.Found(CauseCode::kEventsTwice, kDirect,
                   {{Quantity::kDuplicateShare, "click", ShareOf(e.data_before.duplicates),
                     ShareOf(data.duplicates), ""}},
                   {Step::kSendOnce, Step::kStatus});
  }
}

// Three of four events lie beyond the bound on the same side: not a few clients, the source's clock. A
// delay as long that differs from event to event is a batch that was sent late, and no clock.
void LookAtClock(const DataEvidence& data, Findings& findings) {
  if (!data.clock || data.clock->rows < kLeastRows) {
    findings.Missing(Look::kClock);
    return;
  }
  const ClockSample& clock = *data.clock;
  const double spread = clock.p75_seconds - clock.p25_seconds;
  const bool ahead = clock.p75_seconds < -kClockSeconds;
  const bool behind = clock.p25_seconds > kClockSeconds && spread < kClockSeconds;
  if (!findings.Noted(Look::kClock, ahead || behind ? Verdict::kBad : Verdict::kWell)) {
    return;
  }
  const double from_zone = std::abs(std::remainder(clock.p50_seconds, kZoneSeconds));
  const bool zone = std::abs(clock.p50_seconds) > kZoneSeconds / 2 && from_zone < kClockSeconds &&
                    spread < kClockSeconds;
  findings.Found(zone ? CauseCode::kTimeZoneWrong : CauseCode::kClockWrong, kDirect + 0.05,
                 {{Quantity::kClockSeconds, "", {}, clock.p50_seconds, ""}},
                 {Step::kSetClock, Step::kDataCheck});
}

void LookAtBehind(const DataEvidence& data, Findings& findings) {
  if (!data.behind || !data.counted) {
    findings.Missing(Look::kBehind);
    return;
  }
  const auto behind = static_cast<double>(*data.behind);
  const bool bad = *data.behind >= kBehindRecords &&
                   behind >= kBehindPart * (behind + static_cast<double>(*data.counted));
  if (findings.Noted(Look::kBehind, bad ? Verdict::kBad : Verdict::kWell)) {
    findings.Found(CauseCode::kJoiningBehind, kDirect, {{Quantity::kBehind, "", {}, behind, ""}},
                   {Step::kWait, Step::kStatus, Step::kDoctor});
  }
}

void LookAtSampling(const DataEvidence& data, Findings& findings) {
  if (!data.sampling || !data.sampled) {
    findings.Missing(Look::kSampling);
    return;
  }
  const bool thin = *data.sampling < 1 && *data.sampled < kLeastRows;
  if (findings.Noted(Look::kSampling, thin ? Verdict::kBad : Verdict::kWell)) {
    findings.Found(CauseCode::kSampleThin, kLikely,
                   {{Quantity::kSampled, "", {}, static_cast<double>(*data.sampled), ""}},
                   {Step::kWait, Step::kHistoryQuality});
  }
}

}  // namespace

void LookForWrongNumbers(const Evidence& e, Findings& findings) {
  LookAtRejected(e.data, findings);
  LookAtDuplicates(e, findings);
  LookAtClock(e.data, findings);
  LookAtShare(Look::kLate, e.data_before.late, e.data.late, kLateBound, CauseCode::kEventsLate,
              kLikely, Quantity::kLateShare, {Step::kWait, Step::kStatus}, findings);
  LookAtShare(Look::kJoins, e.data_before.orphans, e.data.orphans, kJoinBound,
              CauseCode::kRequestsUnknown, kDirect, Quantity::kOrphanShare,
              {Step::kSendRequestId, Step::kStatus}, findings);
  LookAtShare(Look::kJoins, e.data_before.unshown, e.data.unshown, kJoinBound,
              CauseCode::kRequestsMixedUp, kDirect, Quantity::kUnshownShare,
              {Step::kSendRequestId, Step::kExplain}, findings);
  LookAtShare(Look::kJoins, e.data_before.unjoined, e.data.unjoined, kUnjoinedBound,
              CauseCode::kRequestsMissing, kLikely, Quantity::kUnjoinedShare,
              {Step::kSendRequestId, Step::kStatus}, findings);
  LookAtBehind(e.data, findings);
  LookAtShare(Look::kForgotten, e.data_before.forgotten, e.data.forgotten, kForgottenBound,
              CauseCode::kAnswersForgotten, kDirect, Quantity::kForgottenShare,
              {Step::kStatus, Step::kConfig}, findings);
  LookAtSampling(e.data, findings);
}

}  // namespace vitrine::monitor
