/// A rollout: one candidate version on its way to users, the policy it goes by, and where it stands.
/// Values; what is done with them is decided in decide.h and kept through store.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "registry/model_version.h"

namespace vitrine::rollout {

/// kRunning <-> kPaused; both -> kPromoted | kRolledBack, which are ends. Persisted as these numbers.
enum class RolloutState : std::uint8_t {
  kRunning = 0,
  kPaused = 1,
  kPromoted = 2,
  kRolledBack = 3
};
std::string_view RolloutStateName(RolloutState state);

/// What requests meet. Beyond the last stage stands promotion: the candidate is the champion then.
enum class StageKind : std::uint8_t {
  kShadow,        ///< answers copies of requests; no user sees it
  kCanary,        ///< answers a share of users for as long as nothing is amiss
  kAb,            ///< the same, until the policy's goal is decided
  kInterleaving,  ///< a share of users gets both lists drafted into one, and chooses between them
};
std::string_view StageKindName(StageKind kind);

struct Stage {
  StageKind kind = StageKind::kCanary;
  double share = 0;           ///< of users, (0, 1]; shadow: of answers that are mirrored
  std::int64_t seconds = 0;   ///< it lasts so long at least
  std::uint64_t answers = 0;  ///< by the candidate, at least (shadow: compared)
  std::uint64_t users = 0;    ///< whom the candidate answered, at least (not in shadow)
  friend bool operator==(const Stage&, const Stage&) = default;
};

/// What may not get worse. The names are those of the policy's JSON.
enum class Metric : std::uint8_t {
  kErrors,      ///< "errors": share of answers that its version failed to give in time
  kFallbacks,   ///< "fallbacks": share of answers that no version gave
  kLatency,     ///< "latency": share of answers slower than the control's 95th percentile
  kCtr,         ///< "ctr": clicks an answer
  kConversion,  ///< "conversion": share of users who bought
  kRevenue,     ///< "revenue": money a user
};
inline constexpr int kMetrics = 6;
std::string_view MetricName(Metric metric);

/// Errors, fallbacks and latency are shares where lower is better, and `loss` is absolute: a share that the
/// treatment may have more. The others are higher-better, and `loss` is a share of the control's.
struct GuardrailRule {
  Metric metric = Metric::kErrors;
  double loss = 0;
  friend bool operator==(const GuardrailRule&, const GuardrailRule&) = default;
};

/// Shadow stage: thresholds, not tests, since both versions answered the very same requests.
struct ShadowLimits {
  double errors = 0.01;  ///< share of answers that the candidate failed
  double latency = 1.5;  ///< its median time over the control's
  double overlap = 0;    ///< share of the first 10 places that both show, at least; 0: any
  double coverage =
      0.2;  ///< different items it shows over those the control shows, at least; 0: any
  friend bool operator==(const ShadowLimits&, const ShadowLimits&) = default;
};

struct RolloutPolicy {
  std::vector<Stage> stages;
  std::vector<GuardrailRule> guardrails;
  ShadowLimits shadow;
  double alpha = 0.01;                ///< chance that a guardrail that is kept is ever found broken
  std::uint64_t minimum_users = 100;  ///< of each arm below which no guardrail on users speaks
  std::uint64_t minimum_answers = 200;      ///< the same for answers
  std::int64_t attribution_seconds = 1800;  ///< a click counts so long after its answer
  std::int64_t purchase_seconds = 86'400;   ///< a purchase after the user's last answer
  bool promote = true;                      ///< false: after the last stage it waits for a person
  bool approval = false;  ///< the last step waits for the word of somebody other than who began it
  friend bool operator==(const RolloutPolicy&, const RolloutPolicy&) = default;
};

/// Shadow, then 1, 5, 25 and 50 % of users.
RolloutPolicy DefaultPolicy();

/// Errors: kInvalidArgument, names the field ("stages[1].share").
Status Validate(const RolloutPolicy& policy);

/// What is not given keeps DefaultPolicy's value; `stages` and `guardrails` replace the lists.
/// Errors: kInvalidArgument, names the field; those of Validate.
Result<RolloutPolicy> PolicyFromJson(std::string_view text);
std::string PolicyToJson(const RolloutPolicy& policy);

/// Somebody's word that the candidate may take the alias.
struct Approval {
  std::string actor;
  std::string reason;
  Micros time;
  friend bool operator==(const Approval&, const Approval&) = default;
};
std::string ApprovalsToJson(const std::vector<Approval>& approvals);
/// Errors: kDataLoss.
Result<std::vector<Approval>> ApprovalsFromJson(std::string_view text);

struct Rollout {
  std::string id;     ///< "rollout-000001": rises with creation
  std::string alias;  ///< whose place the candidate shall take, "champion"
  std::string scene;  ///< where it is tried; empty: wherever the alias retrieves
  registry::VersionRef candidate;
  registry::VersionRef control;  ///< under the alias when it began
  RolloutPolicy policy;
  std::size_t stage = 0;  ///< of policy.stages
  RolloutState state = RolloutState::kRunning;
  std::string salt;    ///< of the assignment of users
  std::string actor;   ///< who began it
  std::string job;     ///< turn of the loop that began it; empty: none did. A turn begins one
  std::string reason;  ///< of the last change, a sentence
  std::vector<Approval> approvals;
  std::uint64_t revision = 0;  ///< rises with each change
  Micros started;
  Micros entered;  ///< its stage, or its pause
  Micros ended;    ///< 0 while it goes on

  [[nodiscard]] bool active() const {
    return state == RolloutState::kRunning || state == RolloutState::kPaused;
  }
  [[nodiscard]] bool NeedsApproval() const { return policy.approval && approvals.empty(); }
  /// The stage it stands in; null once it has ended.
  [[nodiscard]] const Stage* at() const {
    return active() && stage < policy.stages.size() ? &policy.stages[stage] : nullptr;
  }
  friend bool operator==(const Rollout&, const Rollout&) = default;
};

}  // namespace vitrine::rollout
