#include "rollout/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "rollout/proportion_sequence.h"

namespace vitrine::rollout {
namespace {

using nlohmann::ordered_json;

/// A split that is off makes every figure wrong; a false alarm of it costs a person's look.
constexpr double kSampleRatioAlpha = 0.001;

double Seconds(Micros time) {
  return static_cast<double>(time.value) / static_cast<double>(kMicrosPerSecond);
}

double Ratio(double over, double under) { return under > 0 ? over / under : 0; }

std::string Percent(double share) { return fmt::format("{:.3g} %", share * 100); }

std::vector<ArmCounts> Shares(const Evidence& evidence, ArmCounts Stretch::* which) {
  std::vector<ArmCounts> out;
  for (const Stretch& stretch : evidence.stretches) {
    out.push_back(stretch.*which);
  }
  return out;
}

std::vector<ArmMoments> Means(const Evidence& evidence, ArmMoments Stretch::* which) {
  std::vector<ArmMoments> out;
  for (const Stretch& stretch : evidence.stretches) {
    out.push_back(stretch.*which);
  }
  return out;
}

GuardrailEvidence Judge(const GuardrailRule& rule, const Evidence& evidence,
                        const GuardrailOptions& options) {
  Guardrail guardrail{.metric = std::string(MetricName(rule.metric)),
                      .better = Better::kLower,
                      .tolerated = rule.loss,
                      .relative = false};
  switch (rule.metric) {
    case Metric::kErrors:
      return JudgeShare(guardrail, Shares(evidence, &Stretch::errors), options);
    case Metric::kFallbacks:
      return JudgeShare(guardrail, Shares(evidence, &Stretch::fallbacks), options);
    case Metric::kLatency:
      return JudgeShare(guardrail, Shares(evidence, &Stretch::slow), options);
    case Metric::kCtr:
    case Metric::kConversion:
    case Metric::kRevenue:
      break;
  }
  guardrail.better = Better::kHigher;
  guardrail.relative = true;
  if (rule.metric == Metric::kConversion) {
    // Users of two stages are mostly the same ones, which the exact test may not count twice.
    std::vector<ArmCounts> stretches = Shares(evidence, &Stretch::buyers);
    const std::size_t newest = stretches.empty() ? 0 : stretches.size() - 1;
    return JudgeShare(guardrail, std::span(stretches).subspan(newest), options);
  }
  return JudgeMean(
      guardrail,
      Means(evidence, rule.metric == Metric::kCtr ? &Stretch::clicks : &Stretch::revenue), options);
}

Decision Of(Act act, std::string reason) {
  return {.act = act, .reason = std::move(reason), .evidence = {}};
}

/// What came from outside, whatever the state.
std::optional<Decision> ByOthers(const Rollout& rollout, const Evidence& evidence) {
  if (evidence.alias == rollout.control) {
    return std::nullopt;
  }
  if (evidence.alias == rollout.candidate) {
    return Of(Act::kPromote, fmt::format("{} was made '{}' by somebody meanwhile",
                                         rollout.candidate.ToString(), rollout.alias));
  }
  return Of(Act::kRollBack,
            fmt::format("alias '{}' was moved to {} meanwhile; {} was tried against {}",
                        rollout.alias, evidence.alias ? evidence.alias->ToString() : "nothing",
                        rollout.candidate.ToString(), rollout.control.ToString()));
}

/// Enough time, answers, users: what is missing, or empty.
std::string Missing(const Rollout& rollout, const Stage& stage, const Evidence& evidence,
                    Micros now) {
  const double seconds =
      Seconds({now.value - std::max(rollout.entered.value, evidence.since.value)});
  std::string missing;
  const auto add = [&](double have, double want, std::string_view of) {
    if (have < want) {
      missing += fmt::format("{}{:.0f} of {:.0f} {}", missing.empty() ? "" : ", ", have, want, of);
    }
  };
  const bool shadow = stage.kind == StageKind::kShadow;
  const Stretch none;
  const Stretch& at = evidence.stretches.empty() ? none : evidence.stretches.back();
  add(seconds, static_cast<double>(stage.seconds), "seconds");
  add(static_cast<double>(shadow ? evidence.shadow.compared : at.treatment_answers),
      static_cast<double>(stage.answers), shadow ? "compared answers" : "answers");
  if (!shadow) {
    add(static_cast<double>(at.treatment_users), static_cast<double>(stage.users), "users");
  }
  return missing;
}

Decision Onward(const Rollout& rollout) {
  if (rollout.stage + 1 < rollout.policy.stages.size()) {
    const Stage& next = rollout.policy.stages[rollout.stage + 1];
    return Of(Act::kAdvance,
              fmt::format("stage {} is passed; next: {} with {} of users", rollout.stage + 1,
                          StageKindName(next.kind), Percent(next.share)));
  }
  if (rollout.NeedsApproval()) {
    Decision waits = Of(
        Act::kHold, fmt::format("every stage is passed; waits for approval by somebody other than "
                                "{}: vitrine rollout approve {}",
                                rollout.actor, rollout.id));
    waits.waits_for_approval = true;
    return waits;
  }
  if (!rollout.policy.promote) {
    return Of(Act::kHold, fmt::format("every stage is passed; the policy leaves the last step to a "
                                      "person: vitrine rollout promote {}",
                                      rollout.id));
  }
  return Of(Act::kPromote, "every stage is passed and no guardrail is broken");
}

Decision InShadow(const Rollout& rollout, const Stage& stage, const Evidence& evidence,
                  Micros now) {
  const ShadowSeen& seen = evidence.shadow;
  const ShadowLimits& limits = rollout.policy.shadow;
  const HitCounts errors{seen.compared + seen.failures + seen.fallbacks, seen.failures};
  if (ShareInterval(errors, rollout.policy.alpha).low > limits.errors) {
    return Of(
        Act::kRollBack,
        fmt::format("in the shadow {} of {} answers failed, surely more than the tolerated {}{}",
                    errors.hits, errors.n, Percent(limits.errors),
                    evidence.failure.empty() ? "" : "; it said: " + evidence.failure));
  }
  const std::string missing = Missing(rollout, stage, evidence, now);
  if (!missing.empty()) {
    return Of(Act::kHold, "waits for more: " + missing);
  }
  const double slower = Ratio(seen.candidate_seconds, seen.control_seconds);
  if (slower > limits.latency) {
    return Of(Act::kRollBack, fmt::format("in the shadow its median answer takes {:.2f} times as "
                                          "long as the control's; {:.2f} is tolerated",
                                          slower, limits.latency));
  }
  if (seen.compared > 0 && seen.overlap < limits.overlap) {
    return Of(Act::kRollBack,
              fmt::format("in the shadow it shares {} of the first 10 places with the answers "
                          "that were given; {} is the least",
                          Percent(seen.overlap), Percent(limits.overlap)));
  }
  const double coverage =
      Ratio(static_cast<double>(seen.candidate_items), static_cast<double>(seen.control_items));
  if (seen.control_items > 0 && coverage < limits.coverage) {
    return Of(Act::kRollBack,
              fmt::format("in the shadow it shows {} different items where the control shows {}; "
                          "{} of them is the least",
                          seen.candidate_items, seen.control_items, Percent(limits.coverage)));
  }
  return Onward(rollout);
}

/// The policy's chance of a false alarm is shared by its guardrails and, where it has such a stage, the preference.
std::size_t Tests(const RolloutPolicy& policy) {
  const bool interleaves =
      std::any_of(policy.stages.begin(), policy.stages.end(),
                  [](const Stage& stage) { return stage.kind == StageKind::kInterleaving; });
  return policy.guardrails.size() + (interleaves ? 1 : 0);
}

SequenceOptions SequenceOf(const RolloutPolicy& policy) {
  SequenceOptions options;
  options.alpha = SharedAlpha(policy.alpha, Tests(policy));
  options.minimum_n = static_cast<double>(std::max<std::uint64_t>(2, policy.minimum_users));
  return options;
}

/// Of the newest stretch; none where it is not interleaved.
std::optional<PreferenceVerdict> PreferenceOf(const Rollout& rollout, const Evidence& evidence) {
  const Stage* stage = rollout.at();
  if (stage == nullptr || stage->kind != StageKind::kInterleaving || evidence.stretches.empty()) {
    return std::nullopt;
  }
  return JudgePreference(evidence.stretches.back().preference, SequenceOf(rollout.policy));
}

Decision WithArms(const Rollout& rollout, const Stage& stage, const Evidence& evidence,
                  const std::vector<GuardrailEvidence>& verdicts, Micros now) {
  for (const GuardrailEvidence& verdict : verdicts) {
    if (verdict.verdict == Verdict::kHarmful) {
      const bool failed = verdict.guardrail.metric == MetricName(Metric::kErrors);
      return Of(Act::kRollBack,
                Sentence(verdict) +
                    (failed && !evidence.failure.empty() ? " It said: " + evidence.failure : ""));
    }
  }
  const std::optional<PreferenceVerdict> preference = PreferenceOf(rollout, evidence);
  if (preference && preference->control_wins) {
    return Of(Act::kRollBack,
              "shoppers prefer the control's items: " + Sentence(*preference) + ".");
  }
  if (evidence.sample_ratio_p <= kSampleRatioAlpha && !evidence.stretches.empty()) {
    const Stretch& at = evidence.stretches.back();
    return Of(Act::kPause,
              fmt::format("users came to the arms as {} to {} where {} of them should meet the "
                          "candidate: the figures cannot be trusted until the reason is found",
                          at.control_users, at.treatment_users, Percent(at.share)));
  }
  const std::string missing = Missing(rollout, stage, evidence, now);
  if (!missing.empty()) {
    return Of(Act::kHold, "waits for more: " + missing);
  }
  if (stage.kind != StageKind::kAb) {
    return Onward(rollout);
  }
  // The first metric of users that the policy names is what an A/B stage is about.
  for (const GuardrailEvidence& verdict : verdicts) {
    if (verdict.guardrail.better == Better::kHigher) {
      const bool decided = verdict.verdict == Verdict::kBetter || verdict.verdict == Verdict::kSafe;
      return decided ? Onward(rollout) : Of(Act::kHold, "undecided: " + Sentence(verdict));
    }
  }
  return Onward(rollout);
}

ordered_json Both(double control, double treatment) {
  return {{"control", control}, {"treatment", treatment}};
}

ordered_json ShadowJson(const ShadowSeen& seen) {
  return {{"offered", seen.offered},
          {"dropped", seen.dropped},
          {"compared", seen.compared},
          {"failures", seen.failures},
          {"fallbacks", seen.fallbacks},
          {"overlap_at_10", seen.overlap},
          {"median_seconds", Both(seen.control_seconds, seen.candidate_seconds)},
          {"popular_share", Both(seen.control_popular, seen.candidate_popular)},
          {"different_items", Both(static_cast<double>(seen.control_items),
                                   static_cast<double>(seen.candidate_items))}};
}

ordered_json StretchJson(const Stretch& stretch) {
  const auto share = [](const ArmCounts& counts) {
    return Both(counts.control.Share(), counts.treatment.Share());
  };
  return {{"share", stretch.share},
          {"answers", Both(static_cast<double>(stretch.control_answers),
                           static_cast<double>(stretch.treatment_answers))},
          {"users", Both(static_cast<double>(stretch.control_users),
                         static_cast<double>(stretch.treatment_users))},
          {"errors", share(stretch.errors)},
          {"fallbacks", share(stretch.fallbacks)},
          {"slow", share(stretch.slow)},
          {"slow_seconds", stretch.slow_bound},
          {"buyers", share(stretch.buyers)},
          {"clicks", Both(Ratio(stretch.clicks.control.value, stretch.clicks.control.weight),
                          Ratio(stretch.clicks.treatment.value, stretch.clicks.treatment.weight))},
          {"revenue", Both(stretch.revenue.control.value, stretch.revenue.treatment.value)}};
}

std::string EvidenceJson(const Rollout& rollout, const Evidence& evidence,
                         const std::vector<GuardrailEvidence>& verdicts, const Decision& decision,
                         Micros now) {
  ordered_json out = {{"rollout", rollout.id},
                      {"candidate", rollout.candidate.ToString()},
                      {"control", rollout.control.ToString()},
                      {"stage", rollout.stage},
                      {"decision", ActName(decision.act)},
                      {"reason", decision.reason}};
  if (const Stage* stage = rollout.at(); stage != nullptr) {
    out["kind"] = StageKindName(stage->kind);
    out["share"] = stage->share;
    out["stage_seconds"] = Seconds({now.value - rollout.entered.value});
    if (stage->kind == StageKind::kShadow) {
      out["shadow"] = ShadowJson(evidence.shadow);
    }
  }
  if (decision.waits_for_approval) {
    out["waits_for"] = "approval";
  }
  if (!rollout.approvals.empty()) {
    out["approvals"] = ordered_json::parse(ApprovalsToJson(rollout.approvals));
  }
  out["stretches"] = ordered_json::array();
  for (const Stretch& stretch : evidence.stretches) {
    out["stretches"].push_back(StretchJson(stretch));
  }
  if (const auto preference = PreferenceOf(rollout, evidence)) {
    out["preference"] = ordered_json::parse(ToJson(*preference));
  }
  out["guardrails"] = ordered_json::array();
  for (const GuardrailEvidence& verdict : verdicts) {
    out["guardrails"].push_back(ordered_json::parse(ToJson(verdict)));
  }
  out["sample_ratio_p"] = evidence.sample_ratio_p;
  if (!evidence.failure.empty()) {
    out["failure"] = evidence.failure;
  }
  if (!evidence.frozen.empty()) {
    out["frozen"] = evidence.frozen;
  }
  return out.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string_view ActName(Act act) {
  switch (act) {
    case Act::kHold:
      return "hold";
    case Act::kAdvance:
      return "advance";
    case Act::kPromote:
      return "promote";
    case Act::kPause:
      return "pause";
    case Act::kRollBack:
      return "roll_back";
  }
  return "unknown";
}

std::vector<GuardrailEvidence> JudgeAll(const RolloutPolicy& policy, const Evidence& evidence) {
  GuardrailOptions options;
  options.sequence = SequenceOf(policy);
  std::vector<GuardrailEvidence> verdicts;
  for (const GuardrailRule& rule : policy.guardrails) {
    verdicts.push_back(Judge(rule, evidence, options));
  }
  return verdicts;
}

Decision Decide(const Rollout& rollout, const Evidence& evidence, Micros now) {
  const Stage* stage = rollout.at();
  const bool arms = stage != nullptr && stage->kind != StageKind::kShadow;
  const std::vector<GuardrailEvidence> verdicts =
      arms ? JudgeAll(rollout.policy, evidence) : std::vector<GuardrailEvidence>();
  Decision decision;
  if (auto others = ByOthers(rollout, evidence)) {
    decision = std::move(*others);
  } else if (rollout.state != RolloutState::kRunning || stage == nullptr) {
    decision =
        Of(Act::kHold, rollout.state == RolloutState::kPaused ? "it is paused" : "it has ended");
  } else if (!evidence.candidate_missing.empty()) {
    decision = Of(Act::kPause, fmt::format("{} cannot answer: {}", rollout.candidate.ToString(),
                                           evidence.candidate_missing));
  } else if (!evidence.candidate_ready) {
    decision = Of(Act::kHold, fmt::format("{} is being loaded", rollout.candidate.ToString()));
  } else {
    decision = arms ? WithArms(rollout, *stage, evidence, verdicts, now)
                    : InShadow(rollout, *stage, evidence, now);
    if (decision.act == Act::kPromote && !evidence.frozen.empty()) {
      decision = Of(Act::kHold,
                    fmt::format("every stage is passed; promotion waits: {}", evidence.frozen));
    }
  }
  decision.evidence = EvidenceJson(rollout, evidence, verdicts, decision, now);
  return decision;
}

}  // namespace vitrine::rollout
