#include "rollout/rollout.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "rollout/store.h"

namespace vitrine::rollout {
namespace {

constexpr std::size_t kMostStages = 20;

Status Share(double value, const std::string& field, bool zero) {
  if (!std::isfinite(value) || value > 1 || value < 0 || (!zero && value == 0)) {
    return InvalidArgument(fmt::format("policy: {} is {}; it is a share {} to 1", field, value,
                                       zero ? "from 0" : "above 0, up"));
  }
  return Status::Ok();
}

Status CheckStage(const RolloutPolicy& policy, std::size_t i) {
  const Stage& stage = policy.stages[i];
  const std::string field = fmt::format("stages[{}]", i);
  RETURN_IF_ERROR(Share(stage.share, field + ".share", false));
  if (stage.seconds < 0) {
    return InvalidArgument(
        fmt::format("policy: {}.seconds is {}; it is a time of 0 or more", field, stage.seconds));
  }
  if (i == 0) {
    return Status::Ok();
  }
  const Stage& before = policy.stages[i - 1];
  if (stage.kind == StageKind::kShadow) {
    return InvalidArgument(fmt::format(
        "policy: {} is a shadow; only the first stage can be, users have seen it after that",
        field));
  }
  const bool ramps =
      stage.kind != StageKind::kInterleaving && before.kind != StageKind::kInterleaving;
  if (before.kind != StageKind::kShadow && ramps && stage.share < before.share) {
    return InvalidArgument(fmt::format(
        "policy: {}.share is {}, below the {} of the stage before; a ramp only adds users", field,
        stage.share, before.share));
  }
  return Status::Ok();
}

}  // namespace

std::string_view RolloutStateName(RolloutState state) {
  switch (state) {
    case RolloutState::kRunning:
      return "running";
    case RolloutState::kPaused:
      return "paused";
    case RolloutState::kPromoted:
      return "promoted";
    case RolloutState::kRolledBack:
      return "rolled_back";
  }
  return "unknown";
}

std::string_view StageKindName(StageKind kind) {
  switch (kind) {
    case StageKind::kShadow:
      return "shadow";
    case StageKind::kCanary:
      return "canary";
    case StageKind::kAb:
      return "ab";
    case StageKind::kInterleaving:
      return "interleaving";
  }
  return "unknown";
}

std::string_view MetricName(Metric metric) {
  switch (metric) {
    case Metric::kErrors:
      return "errors";
    case Metric::kFallbacks:
      return "fallbacks";
    case Metric::kLatency:
      return "latency";
    case Metric::kCtr:
      return "ctr";
    case Metric::kConversion:
      return "conversion";
    case Metric::kRevenue:
      return "revenue";
  }
  return "unknown";
}

RolloutPolicy DefaultPolicy() {
  constexpr std::int64_t kHour = 3600;
  RolloutPolicy policy;
  policy.stages = {
      {.kind = StageKind::kShadow, .share = 0.1, .seconds = kHour / 4, .answers = 500},
      {.share = 0.01, .seconds = kHour, .answers = 500, .users = 200},
      {.share = 0.05, .seconds = kHour, .answers = 2000, .users = 500},
      {.share = 0.25, .seconds = 6 * kHour, .answers = 5000, .users = 1000},
      {.share = 0.5, .seconds = 24 * kHour, .answers = 10'000, .users = 2000},
  };
  policy.guardrails = {{Metric::kErrors, 0.01},
                       {Metric::kFallbacks, 0.05},
                       {Metric::kLatency, 0.05},
                       {Metric::kCtr, 0.05},
                       {Metric::kConversion, 0.1}};
  return policy;
}

Status Validate(const RolloutPolicy& policy) {
  if (policy.stages.empty() || policy.stages.size() > kMostStages) {
    return InvalidArgument(fmt::format("policy: stages has {} entries; it takes 1 to {}",
                                       policy.stages.size(), kMostStages));
  }
  for (std::size_t i = 0; i < policy.stages.size(); ++i) {
    RETURN_IF_ERROR(CheckStage(policy, i));
  }
  std::set<Metric> seen;
  for (std::size_t i = 0; i < policy.guardrails.size(); ++i) {
    const GuardrailRule& rule = policy.guardrails[i];
    if (!seen.insert(rule.metric).second) {
      return InvalidArgument(
          fmt::format("policy: guardrails[{}] names '{}' again", i, MetricName(rule.metric)));
    }
    RETURN_IF_ERROR(Share(rule.loss, fmt::format("guardrails[{}].loss", i), true));
  }
  RETURN_IF_ERROR(Share(policy.shadow.errors, "shadow.errors", true));
  RETURN_IF_ERROR(Share(policy.shadow.overlap, "shadow.overlap", true));
  RETURN_IF_ERROR(Share(policy.shadow.coverage, "shadow.coverage", true));
  if (!(policy.shadow.latency >= 1) || !std::isfinite(policy.shadow.latency)) {
    return InvalidArgument(fmt::format("policy: shadow.latency is {}; it is a ratio of 1 or more",
                                       policy.shadow.latency));
  }
  if (!(policy.alpha > 0 && policy.alpha < 0.5)) {
    return InvalidArgument(
        fmt::format("policy: alpha is {}; it lies between 0 and 0.5", policy.alpha));
  }
  for (const auto& [name, seconds] : {std::pair("attribution_seconds", policy.attribution_seconds),
                                      std::pair("purchase_seconds", policy.purchase_seconds)}) {
    if (seconds <= 0) {
      return InvalidArgument(fmt::format("policy: {} is {}; it is a time above 0", name, seconds));
    }
  }
  return Status::Ok();
}

std::string RolloutId(std::int64_t number) { return fmt::format("rollout-{:06}", number); }

Result<std::int64_t> RolloutNumber(std::string_view id) {
  constexpr std::string_view kPrefix = "rollout-";
  std::int64_t number = 0;
  const char* end = id.data() + id.size();
  if (id.starts_with(kPrefix)) {
    const auto [at, error] = std::from_chars(id.data() + kPrefix.size(), end, number);
    if (error == std::errc() && at == end && number > 0) {
      return number;
    }
  }
  return NotFound(fmt::format("no rollout {}; see them with: vitrine rollout list", id));
}

}  // namespace vitrine::rollout
