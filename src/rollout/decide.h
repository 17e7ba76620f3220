/// What to do with a rollout, from where it stands and what was seen: a pure function, so that every decision
/// can be made again from its audit entry. Nothing is decided by a clock alone: a stage that nobody visits
/// stays.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "registry/model_version.h"
#include "rollout/guardrail.h"
#include "rollout/interleaving.h"
#include "rollout/rollout.h"

namespace vitrine::rollout {

/// What the arms did while the share stayed the same. Users count once an arm.
struct Stretch {
  double share = 0;
  std::uint64_t control_answers = 0;
  std::uint64_t treatment_answers = 0;
  std::uint64_t control_users = 0;
  std::uint64_t treatment_users = 0;
  ArmCounts errors;
  ArmCounts fallbacks;
  ArmCounts slow;     ///< answers slower than `slow_bound`, counted from the moment it stands
  ArmCounts buyers;   ///< users who bought
  ArmMoments clicks;  ///< of a user: answers with a click over answers
  ArmMoments revenue;
  double slow_bound = 0;  ///< seconds; 0: there are too few answers of the control yet
  Preference preference;  ///< of an interleaving stage, whose users are no arm's
};

/// The candidate's answers to copies of requests beside the control's.
struct ShadowSeen {
  std::uint64_t offered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t compared = 0;
  std::uint64_t failures = 0;
  std::uint64_t fallbacks = 0;
  double overlap = 0;          ///< mean share of the first 10 places that both show
  double control_seconds = 0;  ///< medians, measured on one thread in turns
  double candidate_seconds = 0;
  double control_popular = 0;  ///< shares of places that the most popular 1 % of items take
  double candidate_popular = 0;
  std::uint64_t control_items = 0;  ///< different ones shown
  std::uint64_t candidate_items = 0;
};

struct Evidence {
  Micros since;                    ///< what is counted of this stage begins here
  std::vector<Stretch> stretches;  ///< of the stages so far that had arms, this one last
  ShadowSeen shadow;
  double sample_ratio_p = 1;      ///< always-valid, of this stage
  std::string failure;            ///< what the candidate said when it failed last
  bool candidate_ready = true;    ///< false: it is not loaded (yet)
  std::string candidate_missing;  ///< why it cannot be; empty: nothing speaks against it
  std::optional<registry::VersionRef> alias;  ///< where the alias points now
  std::string frozen;  ///< why nothing may be promoted by itself now, for people; empty: it may
};

enum class Act : std::uint8_t { kHold, kAdvance, kPromote, kPause, kRollBack };
/// "hold", "advance", "promote", "pause", "roll_back".
std::string_view ActName(Act act);

struct Decision {
  Act act = Act::kHold;
  std::string reason;               ///< one sentence
  bool waits_for_approval = false;  ///< nothing else is missing but time to promote
  std::string evidence;  ///< JSON: figures, guardrails with their intervals, decision and reason
};

/// Only what is running is moved on; of what is paused only a moved alias ends it.
/// Precondition: rollout.active() and its policy is valid.
Decision Decide(const Rollout& rollout, const Evidence& evidence, Micros now);

/// The verdicts on the policy's guardrails, in its order.
std::vector<GuardrailEvidence> JudgeAll(const RolloutPolicy& policy, const Evidence& evidence);

}  // namespace vitrine::rollout
