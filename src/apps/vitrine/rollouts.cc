#include "apps/vitrine/rollouts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "core/pace.h"
#include "serve/request_id.h"

namespace vitrine::apps {
namespace {

using nlohmann::ordered_json;
using rollout::Act;
using rollout::Rollout;
using rollout::RolloutState;

/// What a person's call says, and what was seen when it came.
registry::Cause WithSeen(const registry::Cause& cause, const std::string& seen) {
  ordered_json evidence = ordered_json::parse(cause.evidence, nullptr, false);
  if (!evidence.is_object()) {
    evidence = ordered_json::object();
  }
  evidence["seen"] = ordered_json::parse(seen.empty() ? "null" : seen, nullptr, false);
  return {cause.actor, evidence.dump()};
}

registry::AuditEntry Entry(std::string_view action, const Rollout& rollout,
                           const registry::Cause& cause) {
  return {.time = Now(),
          .actor = cause.actor,
          .action = "rollout." + std::string(action),
          .subject = rollout.id,
          .evidence = cause.evidence,
          .hash = {}};
}

/// What a person said; empty: nothing.
std::string SaidIn(const registry::Cause& cause) {
  const ordered_json evidence = ordered_json::parse(cause.evidence, nullptr, false);
  const auto reason = evidence.is_object() ? evidence.find("reason") : evidence.end();
  return evidence.is_object() && reason != evidence.end() && reason->is_string()
             ? reason->get<std::string>()
             : std::string();
}

std::string ReasonOf(const registry::Cause& cause, std::string_view otherwise) {
  const std::string said = SaidIn(cause);
  return said.empty() ? fmt::format("{} {}", cause.actor, otherwise)
                      : fmt::format("{}: {}", cause.actor, said);
}

}  // namespace

Result<std::unique_ptr<RolloutOwner>> RolloutOwner::Open(RolloutParts parts) {
  std::unique_ptr<RolloutOwner> owner(new RolloutOwner(std::move(parts)));
  ASSIGN_OR_RETURN(std::vector<Rollout> active, owner->parts_.store->ActiveRollouts());
  for (Rollout& rollout : active) {
    // Where it cannot even be asked for, the first look says why and pauses it.
    if (owner->parts_.acts) {
      static_cast<void>(owner->parts_.versions->Keep(rollout.candidate));
    }
    Live live;
    live.rollout = std::move(rollout);
    live.since = Now();
    const std::string id = live.rollout.id;
    owner->live_.emplace(id, std::move(live));
  }
  if (owner->parts_.acts) {
    owner->thread_ =
        std::jthread([raw = owner.get()](const std::stop_token& stop) { raw->Run(stop); });
  }
  return owner;
}

RolloutOwner::~RolloutOwner() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  parts_.traffic->Publish({});
}

void RolloutOwner::Run(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock(waiting_);
      Pace::WaitFor(wake_, lock, stop, parts_.every, [] { return false; });
    }
    if (stop.stop_requested()) {
      return;
    }
    Look();
  }
}

void RolloutOwner::OnRecord(const data::LogRecord& record) {
  const std::scoped_lock lock(counting_);
  for (const auto& counts : counts_) {
    counts->OnRecord(record);
  }
}

Result<Rollout> RolloutOwner::Draft(const http::RolloutStart& start) const {
  Rollout draft;
  draft.policy = rollout::DefaultPolicy();
  if (!start.policy.empty()) {
    ASSIGN_OR_RETURN(draft.policy, rollout::PolicyFromJson(start.policy));
  }
  if (!parts_.joins) {
    return FailedPrecondition(
        "monitor.enabled is false, so nobody joins clicks and purchases to answers, and no stage "
        "could be passed; turn it on and restart the server");
  }
  draft.policy.approval = draft.policy.approval || parts_.approval;
  ASSIGN_OR_RETURN(const registry::ModelVersion candidate, parts_.registry->Find(start.candidate));
  draft.candidate = candidate.ref;
  draft.alias = start.alias.empty() ? std::string(registry::kChampion) : start.alias;
  draft.job = start.job;
  draft.scene = start.scene;
  if (!start.scene.empty()) {
    ASSIGN_OR_RETURN(const auto scene, parts_.serving.scenes->Find(start.scene));
    draft.alias = scene->retriever;
  }
  if (candidate.kind != ModelKindName(ModelKind::kRetriever)) {
    return FailedPrecondition(fmt::format(
        "{} is a {}; a rollout brings a retriever to the alias that scenes retrieve with",
        candidate.ref.ToString(), candidate.kind));
  }
  ASSIGN_OR_RETURN(const auto aliases, parts_.registry->Aliases());
  const auto control = aliases.find(draft.alias);
  if (control == aliases.end()) {
    return FailedPrecondition(fmt::format(
        "nothing serves as '{}' yet, so there is nothing to compare with; make it the first: "
        "vitrine model promote {}",
        draft.alias, candidate.ref.ToString()));
  }
  draft.control = control->second;
  if (draft.control == draft.candidate) {
    return FailedPrecondition(
        fmt::format("{} serves as '{}' already", draft.candidate.ToString(), draft.alias));
  }
  return draft;
}

Result<http::RolloutView> RolloutOwner::Start(const http::RolloutStart& start,
                                              const registry::Cause& cause) {
  ASSIGN_OR_RETURN(Rollout draft, Draft(start));
  // Before the lock: other rollouts are looked after while it loads.
  RETURN_IF_ERROR(parts_.versions->WarmAndKeep(draft.candidate));
  auto made = Begin(std::move(draft), cause);
  ReleaseEnded();
  return made;
}

Result<http::RolloutView> RolloutOwner::Begin(Rollout draft, const registry::Cause& cause) {
  const std::scoped_lock lock(mutex_);
  draft.salt = serve::NewRequestId();
  draft.actor = cause.actor;
  draft.reason = ReasonOf(cause, "began it");
  draft.started = Now();
  draft.entered = draft.started;
  ordered_json evidence = ordered_json::parse(cause.evidence, nullptr, false);
  evidence = evidence.is_object() ? evidence : ordered_json::object();
  evidence["candidate"] = draft.candidate.ToString();
  evidence["control"] = draft.control.ToString();
  evidence["policy"] = ordered_json::parse(rollout::PolicyToJson(draft.policy));
  auto made =
      parts_.store->CreateRollout(draft, Entry("start", draft, {cause.actor, evidence.dump()}));
  if (!made.ok()) {
    released_.push_back(draft.candidate);
    return made.status();
  }
  Live live;
  live.rollout = *made;
  live.candidate = parts_.models->FindModel(draft.candidate.ToString());
  Live& placed = live_.emplace(made->id, std::move(live)).first->second;
  BeginStage(placed);
  parts_.on_change(made->id);
  return View(std::move(*made));
}

// With mutex_ held.
http::RolloutView RolloutOwner::View(Rollout rollout) const {
  http::RolloutView view;
  const auto found = live_.find(rollout.id);
  if (found != live_.end() && !found->second.last.evidence.empty()) {
    view.seen = found->second.last.evidence;
    view.waits_for_approval = found->second.last.waits_for_approval &&
                              rollout.state == RolloutState::kRunning && rollout.NeedsApproval();
  }
  view.rollout = std::move(rollout);
  return view;
}

Result<http::RolloutView> RolloutOwner::Get(std::string_view id) const {
  ASSIGN_OR_RETURN(Rollout rollout, parts_.store->GetRollout(id));
  const std::scoped_lock lock(mutex_);
  return View(std::move(rollout));
}

Result<std::vector<http::RolloutView>> RolloutOwner::List(std::string_view cursor,
                                                          std::size_t limit) const {
  ASSIGN_OR_RETURN(std::vector<Rollout> rollouts, parts_.store->ListRollouts(cursor, limit));
  const std::scoped_lock lock(mutex_);
  std::vector<http::RolloutView> views;
  for (Rollout& rollout : rollouts) {
    views.push_back(View(std::move(rollout)));
  }
  return views;
}

Result<http::RolloutView> RolloutOwner::Do(std::string_view id, http::RolloutVerb verb,
                                           const registry::Cause& cause) {
  ASSIGN_OR_RETURN(const Rollout known, parts_.store->GetRollout(id));
  const bool loads = verb == http::RolloutVerb::kResume || verb == http::RolloutVerb::kPromote;
  if (loads && known.active()) {
    RETURN_IF_ERROR(parts_.versions->WarmAndKeep(known.candidate));
  }
  {
    const std::scoped_lock lock(mutex_);
    const auto found = live_.find(known.id);
    if (found == live_.end()) {
      if (loads) {
        released_.push_back(known.candidate);  // it ended while its candidate was loaded again
      }
      return FailedPrecondition(
          fmt::format("{} has ended: {}; back to the champion before: vitrine model rollback",
                      known.id, rollout::RolloutStateName(known.state)));
    }
    Live& live = found->second;
    const bool paused = live.rollout.state == RolloutState::kPaused;
    const registry::Cause seen = WithSeen(cause, live.last.evidence);
    switch (verb) {
      case http::RolloutVerb::kPause:
        if (paused) {
          return FailedPrecondition(fmt::format("{} is paused already", known.id));
        }
        RETURN_IF_ERROR(Apply(live, Act::kPause, ReasonOf(cause, "paused it"), seen));
        break;
      case http::RolloutVerb::kResume:
        if (!paused) {
          return FailedPrecondition(fmt::format("{} is not paused", known.id));
        }
        RETURN_IF_ERROR(Resume(live, seen));
        break;
      case http::RolloutVerb::kPromote:
        RETURN_IF_ERROR(PromoteByHand(live, cause, seen));
        break;
      case http::RolloutVerb::kRollBack:
        RETURN_IF_ERROR(Apply(live, Act::kRollBack, ReasonOf(cause, "rolled it back"), seen));
        break;
      case http::RolloutVerb::kApprove:
        RETURN_IF_ERROR(Approve(live, seen));
        break;
    }
  }
  ReleaseEnded();
  return Get(id);
}

Status RolloutOwner::Commit(Live& live, rollout::RolloutChange change) {
  ASSIGN_OR_RETURN(live.rollout, parts_.store->ChangeRollout(std::move(change)));
  return Status::Ok();
}

Status RolloutOwner::Resume(Live& live, const registry::Cause& cause) {
  live.candidate = parts_.models->FindModel(live.rollout.candidate.ToString());
  rollout::RolloutChange change{.to = live.rollout,
                                .moves = {},
                                .expected = {{live.rollout.alias, live.rollout.control}},
                                .why = Entry("resume", live.rollout, cause)};
  change.to.state = RolloutState::kRunning;
  change.to.entered = Now();
  change.to.reason = ReasonOf(cause, "resumed it");
  RETURN_IF_ERROR(Commit(live, std::move(change)));
  BeginStage(live);
  parts_.on_change(live.rollout.id);
  return Status::Ok();
}

Status RolloutOwner::Approve(Live& live, const registry::Cause& cause) {
  const Rollout& now = live.rollout;
  if (!now.policy.approval) {
    return FailedPrecondition(fmt::format("{} asks for no approval", now.id));
  }
  if (!now.approvals.empty()) {
    return FailedPrecondition(
        fmt::format("{} is approved already, by {}", now.id, now.approvals.front().actor));
  }
  if (cause.actor == now.actor) {
    return {
        Code::kPermissionDenied,
        fmt::format("{} began {}, and the approval is somebody else's: another person's API key "
                    "(vitrine key create NAME --scope operate)",
                    cause.actor, now.id)};
  }
  rollout::RolloutChange change{
      .to = now, .moves = {}, .expected = {}, .why = Entry("approve", now, cause)};
  change.to.approvals.push_back({cause.actor, SaidIn(cause), Now()});
  change.to.reason = ReasonOf(cause, "approved it");
  RETURN_IF_ERROR(Commit(live, std::move(change)));
  TellWaiting(live.rollout.alias, false);
  parts_.on_change(live.rollout.id);
  return Status::Ok();
}

Status RolloutOwner::PromoteByHand(Live& live, const registry::Cause& cause,
                                   const registry::Cause& seen) {
  if (live.rollout.NeedsApproval()) {
    RETURN_IF_ERROR(Approve(live, seen));
  }
  return Apply(live, Act::kPromote, ReasonOf(cause, "promoted it"), seen);
}

Status RolloutOwner::Apply(Live& live, Act act, const std::string& reason,
                           const registry::Cause& cause) {
  if (act == Act::kHold) {
    return Status::Ok();
  }
  const Rollout now = live.rollout;
  rollout::RolloutChange change{
      .to = now, .moves = {}, .expected = {}, .why = Entry(rollout::ActName(act), now, cause)};
  change.to.reason = reason;
  change.to.entered = Now();
  switch (act) {
    case Act::kAdvance:
      change.to.stage = now.stage + 1;
      change.expected = {{now.alias, now.control}};
      break;
    case Act::kPause:
      change.to.state = RolloutState::kPaused;
      break;
    case Act::kRollBack:
      // Whatever becomes of the disk, no further request meets the candidate.
      live.halted = true;
      live.halted_for = reason;
      live.halted_by = cause;
      Publish();
      change.to.state = RolloutState::kRolledBack;
      change.to.ended = change.to.entered;
      break;
    case Act::kPromote: {
      change.to.state = RolloutState::kPromoted;
      change.to.ended = change.to.entered;
      ASSIGN_OR_RETURN(const auto aliases, parts_.registry->Aliases());
      const auto at = aliases.find(now.alias);
      if (at == aliases.end() || at->second != now.candidate) {
        change.expected = {{now.alias, now.control}};
        change.moves = {{now.alias, now.candidate}};
        if (now.alias == registry::kChampion) {
          change.moves.push_back({std::string(registry::kPrevious), now.control});
        }
      }
      break;
    }
    case Act::kHold:
      break;
  }
  RETURN_IF_ERROR(Commit(live, std::move(change)));
  parts_.metrics
      ->GetCounter("vitrine_rollout_decisions_total", "Changes of rollouts by what was decided.",
                   {{"decision", std::string(rollout::ActName(act))}})
      .Add();
  const std::string id = now.id;
  if (act == Act::kAdvance) {
    EndStretch(live);
    BeginStage(live);
  } else if (act == Act::kPause) {
    EndStretch(live);
    // A pause is for figures that cannot be trusted, or made by a person who knows why.
    live.ended.clear();
    Publish();
  } else {
    if (act == Act::kPromote) {
      // The candidate is in memory, so this is one pointer; users of either arm are answered all the while.
      static_cast<void>(parts_.versions->Synchronise(After(std::chrono::seconds(10))));
    }
    Finish(id);
  }
  parts_.on_change(id);
  return Status::Ok();
}

}  // namespace vitrine::apps
