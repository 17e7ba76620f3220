// What the owner of rollouts sees at each look, and what requests see of a stage.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/vitrine/rollouts.h"

namespace vitrine::apps {
namespace {

using rollout::Act;
using rollout::RolloutState;
using rollout::StageKind;

/// After a start a candidate is loaded behind the champion; so long it may take.
constexpr std::chrono::minutes kLoadWithin{3};

rollout::HitCounts Hits(std::uint64_t n, std::uint64_t hits) { return {n, std::min(n, hits)}; }

/// Answers since `then`, and those of them that were slower than `bound`.
rollout::HitCounts Slow(const serve::ArmCounts& now, const serve::ArmCounts& then, double bound) {
  return Hits(now.answers - then.answers, now.SlowerThan(bound) - then.SlowerThan(bound));
}

rollout::ShadowSeen SeenOf(const serve::ShadowCounts& counts) {
  const auto share = [](double part, double of) { return of > 0 ? part / of : 0; };
  const auto compared = static_cast<double>(counts.compared);
  const auto shown = static_cast<double>(counts.shown);
  return {.offered = counts.offered,
          .dropped = counts.dropped,
          .compared = counts.compared,
          .failures = counts.failures,
          .fallbacks = counts.fallbacks,
          .overlap = share(counts.overlap, compared),
          .control_seconds = counts.control.Quantile(0.5),
          .candidate_seconds = counts.candidate.Quantile(0.5),
          .control_popular = share(static_cast<double>(counts.popular_control), shown),
          .candidate_popular = share(static_cast<double>(counts.popular_candidate), shown),
          .control_items = counts.distinct_control,
          .candidate_items = counts.distinct_candidate};
}

}  // namespace

void RolloutOwner::Look() {
  {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, live] : live_) {
      ids.push_back(id);
    }
    for (const std::string& id : ids) {
      LookAt(live_.find(id)->second);
    }
    // Requests that began before hold the last pointers to them, and must not wait for their threads.
    std::erase_if(leaving_, [](const auto& shadow) { return shadow.use_count() == 1; });
  }
  ReleaseEnded();
}

// A change that the store refuses is tried again at the next look.
void RolloutOwner::LookAt(Live& live) {
  if (live.halted) {
    const std::string reason = live.halted_for;
    const registry::Cause cause = live.halted_by;
    static_cast<void>(Apply(live, Act::kRollBack, reason, cause));
    return;
  }
  const auto aliases = parts_.registry->Aliases();
  if (!aliases.ok()) {
    return;
  }
  rollout::Evidence evidence = Gather(live);
  if (const auto at = aliases->find(live.rollout.alias); at != aliases->end()) {
    evidence.alias = at->second;
  }
  TellMetrics(live);
  const bool waited = live.last.waits_for_approval;
  live.last = rollout::Decide(live.rollout, evidence, Now());
  if (live.last.waits_for_approval != waited) {
    TellWaiting(live.rollout.alias, live.last.waits_for_approval);
    parts_.on_change(live.rollout.id);
  }
  const rollout::Decision decision = live.last;
  static_cast<void>(
      Apply(live, decision.act, decision.reason, {std::string(kRolloutActor), decision.evidence}));
}

void RolloutOwner::TakeCandidate(Live& live, rollout::Evidence& evidence) {
  const std::string version = live.rollout.candidate.ToString();
  if (live.candidate != nullptr || live.rollout.state != RolloutState::kRunning) {
    return;
  }
  live.candidate = parts_.models->FindModel(version);
  if (live.candidate != nullptr) {
    BeginStage(live);
    return;
  }
  for (const serve::VersionStatus& status : parts_.models->Versions()) {
    if (status.version == version && status.state == serve::VersionState::kFailed) {
      evidence.candidate_missing = status.error;
    }
  }
  if (std::chrono::steady_clock::now() - begun_ > kLoadWithin &&
      evidence.candidate_missing.empty()) {
    evidence.candidate_missing = "it is not loaded, minutes after the start";
  }
}

rollout::Evidence RolloutOwner::Gather(Live& live) {
  rollout::Evidence evidence;
  TakeCandidate(live, evidence);
  evidence.candidate_ready = live.candidate != nullptr;
  evidence.since = live.since;
  evidence.frozen = parts_.frozen ? parts_.frozen(Now()) : "";
  evidence.stretches = live.ended;
  if (live.counters != nullptr) {
    evidence.failure = live.counters->failure.With([](const std::string& text) { return text; });
  }
  if (live.shadow != nullptr) {
    const serve::ShadowCounts counts = live.shadow->Counts();
    evidence.shadow = SeenOf(counts);
    evidence.failure = counts.failure;
  }
  if (live.users != nullptr) {
    GatherStretch(live, evidence.stretches.emplace_back());
    evidence.sample_ratio_p = live.users->SampleRatioP();
  }
  return evidence;
}

// The bound of slowness must stand before the answers that it judges: it is the control's 95th percentile once that
// has answered enough, and what is slow counts from there.
void RolloutOwner::GatherStretch(Live& live, rollout::Stretch& stretch) {
  const serve::ArmCounts control = live.counters->control.Read();
  const serve::ArmCounts treatment = live.counters->treatment.Read();
  if (live.slow_bound == 0 &&
      control.answers >= std::max<std::uint64_t>(live.rollout.policy.minimum_answers, 1)) {
    live.slow_bound = control.Quantile(0.95);
    live.control_then = control;
    live.treatment_then = treatment;
  }
  const rollout::Stage* stage = live.rollout.at();
  stretch.share = stage == nullptr ? 0 : stage->share;
  stretch.control_answers = control.answers;
  stretch.treatment_answers = treatment.answers;
  stretch.errors = {Hits(control.answers, control.failures),
                    Hits(treatment.answers, treatment.failures)};
  stretch.fallbacks = {Hits(control.answers, control.fallbacks),
                       Hits(treatment.answers, treatment.fallbacks)};
  stretch.slow_bound = live.slow_bound;
  if (live.slow_bound > 0) {
    stretch.slow = {Slow(control, live.control_then, live.slow_bound),
                    Slow(treatment, live.treatment_then, live.slow_bound)};
  }
  live.users->FillIn(stretch);
}

void RolloutOwner::BeginStage(Live& live) {
  const rollout::Rollout& rollout = live.rollout;
  const rollout::Stage* stage = rollout.at();
  if (stage == nullptr || live.candidate == nullptr) {
    return;
  }
  live.counters = std::make_shared<serve::SplitCounters>();
  live.slow_bound = 0;
  live.control_told = {};
  live.treatment_told = {};
  live.shadow_told = {};
  if (stage->kind == StageKind::kShadow) {
    live.shadow =
        std::make_shared<serve::ShadowRunner>(parts_.serving, rollout.alias, live.candidate);
  }
  Publish();
  // Answers that began before it are of the stage before.
  live.since = Now();
  if (stage->kind == StageKind::kShadow) {
    return;
  }
  live.users = std::make_shared<RolloutCounts>(RolloutCountsOptions{
      .rollout = rollout.id,
      .share = stage->kind == StageKind::kInterleaving ? 1 : stage->share,
      .since = live.since,
      .click_window = {rollout.policy.attribution_seconds * kMicrosPerSecond},
      .purchase_window = {rollout.policy.purchase_seconds * kMicrosPerSecond}});
  const std::scoped_lock lock(counting_);
  counts_.push_back(live.users);
}

void RolloutOwner::EndStretch(Live& live) {
  TellMetrics(live);
  if (live.users != nullptr) {
    rollout::Stretch stretch;
    GatherStretch(live, stretch);
    live.ended.push_back(std::move(stretch));
    const std::scoped_lock lock(counting_);
    std::erase(counts_, live.users);
  }
  live.users.reset();
  if (live.shadow != nullptr) {
    leaving_.push_back(std::move(live.shadow));
    live.shadow.reset();
  }
}

void RolloutOwner::Finish(const std::string& id) {
  const auto found = live_.find(id);
  EndStretch(found->second);
  released_.push_back(found->second.rollout.candidate);
  TellShare(found->second.rollout.alias, 0);
  TellWaiting(found->second.rollout.alias, false);
  live_.erase(found);
  Publish();
}

// Without mutex_: whoever loads a version keeps others from letting one go.
void RolloutOwner::ReleaseEnded() {
  std::vector<registry::VersionRef> released;
  {
    const std::scoped_lock lock(mutex_);
    released = std::exchange(released_, {});
    std::erase_if(released, [this](const registry::VersionRef& ref) {
      return std::any_of(live_.begin(), live_.end(),
                         [&](const auto& other) { return other.second.rollout.candidate == ref; });
    });
  }
  for (const registry::VersionRef& ref : released) {
    parts_.versions->Release(ref);
  }
}

void RolloutOwner::Publish() {
  serve::TrafficSplits splits;
  for (const auto& [id, live] : live_) {
    const rollout::Stage* stage = live.rollout.at();
    const bool shown = live.rollout.state == RolloutState::kRunning && !live.halted &&
                       stage != nullptr && live.candidate != nullptr && live.counters != nullptr;
    double users = 0;
    if (shown) {
      serve::TrafficSplit split{.rollout = id,
                                .alias = live.rollout.alias,
                                .scene = live.rollout.scene,
                                .salt = live.rollout.salt,
                                .candidate = live.candidate,
                                .counters = live.counters};
      if (stage->kind == StageKind::kShadow) {
        split.shadow = live.shadow;
        split.shadow_share = stage->share;
      } else {
        split.share = users = stage->share;
        split.interleaved = stage->kind == StageKind::kInterleaving;
      }
      splits.push_back(std::move(split));
    }
    TellShare(live.rollout.alias, users);
  }
  parts_.traffic->Publish(std::move(splits));
}

void RolloutOwner::TellShare(const std::string& alias, double users) {
  parts_.metrics
      ->GetGauge("vitrine_rollout_share_ratio",
                 "Share of users whom a rollout's candidate answers.", {{"alias", alias}})
      .Set(users);
}

void RolloutOwner::TellWaiting(const std::string& alias, bool waits) {
  parts_.metrics
      ->GetGauge("vitrine_rollout_waits_for_approval",
                 "1 while a rollout has passed every stage and waits for approval.",
                 {{"alias", alias}})
      .Set(waits ? 1 : 0);
}

void RolloutOwner::TellMetrics(Live& live) {
  const auto add = [this](const char* name, const char* help, const char* label, const char* value,
                          std::uint64_t now, std::uint64_t then) {
    if (now > then) {
      parts_.metrics->GetCounter(name, help, {{label, value}}).Add(now - then);
    }
  };
  if (live.users != nullptr) {
    for (const bool treatment : {false, true}) {
      const serve::ArmCounts now =
          (treatment ? live.counters->treatment : live.counters->control).Read();
      serve::ArmCounts& told = treatment ? live.treatment_told : live.control_told;
      const char* arm = treatment ? "treatment" : "control";
      add("vitrine_rollout_answers_total", "Answers given in rollouts.", "arm", arm, now.answers,
          told.answers);
      add("vitrine_rollout_failures_total",
          "Answers in rollouts that their version failed to give in time.", "arm", arm,
          now.failures, told.failures);
      told = now;
    }
  }
  if (live.shadow != nullptr) {
    const serve::ShadowCounts now = live.shadow->Counts();
    const char* name = "vitrine_rollout_shadow_total";
    const char* help = "Mirrored requests by what became of them.";
    add(name, help, "result", "compared", now.compared, live.shadow_told.compared);
    add(name, help, "result", "failed", now.failures, live.shadow_told.failures);
    add(name, help, "result", "dropped", now.dropped, live.shadow_told.dropped);
    live.shadow_told = now;
  }
}

}  // namespace vitrine::apps
