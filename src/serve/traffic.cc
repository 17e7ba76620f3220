#include "serve/traffic.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rollout/assignment.h"

namespace vitrine::serve {
namespace {

constexpr std::size_t kSteps = 8;  // of a power of two
constexpr double kNanoseconds = 1e9;
constexpr double kMicroseconds = 1e6;

}  // namespace

std::size_t TimeBucket(double seconds) {
  const double micros = seconds * kMicroseconds;
  if (!(micros > 1)) {
    return 0;
  }
  const double bucket = std::ceil(std::log2(micros) * kSteps);
  return std::min(static_cast<std::size_t>(bucket), kTimeBuckets - 1);
}

double BucketSeconds(std::size_t bucket) {
  return std::exp2(static_cast<double>(bucket) / kSteps) / kMicroseconds;
}

double ArmCounts::Quantile(double share) const {
  const double wanted = share * static_cast<double>(answers);
  std::uint64_t below = 0;
  for (std::size_t bucket = 0; bucket < times.size(); ++bucket) {
    below += times[bucket];
    if (below > 0 && static_cast<double>(below) >= wanted) {
      return BucketSeconds(bucket);
    }
  }
  return 0;
}

std::uint64_t ArmCounts::SlowerThan(double limit) const {
  std::uint64_t slower = 0;
  for (std::size_t bucket = times.size(); bucket-- > 0 && BucketSeconds(bucket) > limit;) {
    slower += times[bucket];
  }
  return slower;
}

void ArmCounters::Add(double seconds, bool failed, bool fallback) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  answers_.fetch_add(1, kRelaxed);
  failures_.fetch_add(failed ? 1 : 0, kRelaxed);
  fallbacks_.fetch_add(fallback ? 1 : 0, kRelaxed);
  nanoseconds_.fetch_add(static_cast<std::uint64_t>(std::max(seconds, 0.0) * kNanoseconds),
                         kRelaxed);
  times_[TimeBucket(seconds)].fetch_add(1, kRelaxed);
}

ArmCounts ArmCounters::Read() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  ArmCounts counts;
  counts.answers = answers_.load(kRelaxed);
  counts.failures = failures_.load(kRelaxed);
  counts.fallbacks = fallbacks_.load(kRelaxed);
  counts.seconds = static_cast<double>(nanoseconds_.load(kRelaxed)) / kNanoseconds;
  for (std::size_t bucket = 0; bucket < kTimeBuckets; ++bucket) {
    counts.times[bucket] = times_[bucket].load(kRelaxed);
  }
  return counts;
}

std::string_view ArmName(Arm arm) {
  switch (arm) {
    case Arm::kNone:
      return "";
    case Arm::kControl:
      return "control";
    case Arm::kTreatment:
      return "treatment";
    case Arm::kInterleaved:
      return kInterleaved;
  }
  return "unknown";
}

Arm TrafficSplit::ArmOf(std::string_view subject) const {
  if (share <= 0 || subject.empty() || candidate == nullptr) {
    return Arm::kNone;
  }
  const bool chosen = rollout::AssignArm(salt, subject, share) == rollout::Arm::kTreatment;
  if (interleaved) {
    return chosen ? Arm::kInterleaved : Arm::kNone;
  }
  return chosen ? Arm::kTreatment : Arm::kControl;
}

bool TrafficSplit::Mirrors(std::string_view request_id) const {
  return shadow != nullptr && rollout::AssignmentPoint(salt, request_id) < shadow_share;
}

void Traffic::Publish(TrafficSplits splits) {
  splits_.Publish(splits.empty() ? nullptr
                                 : std::make_shared<const TrafficSplits>(std::move(splits)));
}

}  // namespace vitrine::serve
