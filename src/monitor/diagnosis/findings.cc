#include "monitor/diagnosis/findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "monitor/statistics/sample_tests.h"
#include "monitor/statistics/special_functions.h"
#include "monitor/statistics/student.h"

namespace vitrine::monitor {
namespace {

// How many alike rows weigh as one: see Rose.
constexpr double kAlike = 2;
// Width of a 95 % interval in standard errors.
constexpr double kIntervalWidth = 2 * 1.959964;

double ShareP(const ShareSample& a, const ShareSample& b) {
  const std::array<double, 2> left{static_cast<double>(a.hits) / kAlike,
                                   static_cast<double>(a.rows - a.hits) / kAlike};
  const std::array<double, 2> right{static_cast<double>(b.hits) / kAlike,
                                    static_cast<double>(b.rows - b.hits) / kAlike};
  return ChiSquareTwoSamples(left, right).p_value;
}

bool Usable(const MeanSample& sample) {
  return sample.rows >= kLeastRows && (!sample.batches || *sample.batches >= kLeastBatches);
}

// Two-sided p of the difference of two means; degrees of freedom by Welch and Satterthwaite.
double MeanP(const MeanSample& a, const MeanSample& b) {
  const double error = std::hypot(a.standard_error, b.standard_error);
  const double z = (b.mean - a.mean) / error;
  double parts = 0;
  for (const MeanSample* sample : {&a, &b}) {
    if (sample->batches) {
      parts +=
          std::pow(sample->standard_error / error, 4) / (static_cast<double>(*sample->batches) - 1);
    }
  }
  return parts > 0 ? StudentTail(z, 1 / parts) : NormalP(z);
}

bool Usable(const ShareSample& sample) {
  return sample.rows >= kLeastRows && sample.hits <= sample.rows;
}

}  // namespace

double ConfidenceOfPart(double part) { return kResidual + 0.4 * std::clamp(part, 0.0, 1.0); }

double NormalP(double z) { return ChiSquareTail(z * z, 1); }

double ShareOf(const ShareSample& sample) {
  return sample.rows == 0 ? 0 : static_cast<double>(sample.hits) / static_cast<double>(sample.rows);
}

std::optional<double> ShareOf(const std::optional<ShareSample>& sample) {
  return sample ? std::optional<double>(ShareOf(*sample)) : std::nullopt;
}

Verdict Rose(const std::optional<MeanSample>& before, const std::optional<MeanSample>& after,
             double least_ratio) {
  if (!before || !after || !Usable(*before) || !Usable(*after)) {
    return Verdict::kUnknown;
  }
  const double rise = after->mean - before->mean;
  if (rise <= 0 || after->mean < before->mean * least_ratio) {
    return Verdict::kWell;
  }
  const bool exact = before->standard_error == 0 && after->standard_error == 0;
  return exact || MeanP(*before, *after) < kSure ? Verdict::kBad : Verdict::kWell;
}

Verdict Rose(const std::optional<ShareSample>& before, const std::optional<ShareSample>& after,
             double least, double sure) {
  if (!before || !after || !Usable(*before) || !Usable(*after)) {
    return Verdict::kUnknown;
  }
  return ShareOf(*after) - ShareOf(*before) >= least && ShareP(*before, *after) < sure
             ? Verdict::kBad
             : Verdict::kWell;
}

Verdict Fell(const std::optional<ShareSample>& before, const std::optional<ShareSample>& after,
             double least) {
  return Rose(after, before, least);
}

Verdict Above(const std::optional<ShareSample>& share, double bound, double sure) {
  if (!share || !Usable(*share)) {
    return Verdict::kUnknown;
  }
  const double error = std::sqrt(bound * (1 - bound) * kAlike / static_cast<double>(share->rows));
  const double over = ShareOf(*share) - bound;
  return over > 0 && NormalP(over / error) < sure ? Verdict::kBad : Verdict::kWell;
}

Verdict Fell(const MetricValue& before, const MetricValue& after, double least_part) {
  const double loss = before.mean - after.mean;
  if (loss <= 0 || loss < least_part * before.mean) {
    return Verdict::kWell;
  }
  const double error = std::hypot((before.high - before.low) / kIntervalWidth,
                                  (after.high - after.low) / kIntervalWidth);
  // No width is no interval: nothing is known of how sure it is.
  return error > 0 && NormalP(loss / error) < kSure ? Verdict::kBad : Verdict::kWell;
}

void Findings::Found(CauseCode code, double confidence, std::vector<EvidenceLine> evidence,
                     std::vector<Step> next) {
  const auto same = std::find_if(causes_.begin(), causes_.end(),
                                 [code](const Cause& cause) { return cause.code == code; });
  if (same == causes_.end()) {
    causes_.push_back({code, confidence, std::move(evidence), {}, {}, std::move(next)});
    return;
  }
  // Two questions may look at the same thing: the surer one's lines stand.
  if (confidence > same->confidence) {
    same->confidence = confidence;
    same->evidence = std::move(evidence);
  }
}

bool Findings::Noted(Look look, Verdict verdict) {
  if (verdict == Verdict::kUnknown) {
    Missing(look);
  } else if (verdict == Verdict::kWell) {
    Healthy(look);
  } else {
    bad_.insert(look);
  }
  return verdict == Verdict::kBad;
}

void Findings::Add(Findings&& other) {
  for (Cause& cause : other.causes_) {
    Found(cause.code, cause.confidence, std::move(cause.evidence), std::move(cause.next));
  }
  healthy_.merge(other.healthy_);
  missing_.merge(other.missing_);
  bad_.merge(other.bad_);
}

Diagnosis Findings::Finish(Question question) && {
  // One look may be taken from several sides: what was bad on one of them is not healthy, and what could
  // not be seen on one of them is not known to be.
  for (const Look look : bad_) {
    healthy_.erase(look);
    missing_.erase(look);
  }
  for (const Look look : missing_) {
    healthy_.erase(look);
  }
  Diagnosis diagnosis{
      question, {}, {healthy_.begin(), healthy_.end()}, {missing_.begin(), missing_.end()}};
  std::sort(causes_.begin(), causes_.end(), [](const Cause& a, const Cause& b) {
    return a.confidence != b.confidence ? a.confidence > b.confidence : a.code < b.code;
  });
  for (Cause& cause : causes_) {
    cause.healthy = diagnosis.healthy;
    cause.not_looked_at = diagnosis.not_looked_at;
  }
  diagnosis.causes = std::move(causes_);
  return diagnosis;
}

}  // namespace vitrine::monitor
