#include "loop/retrain_watch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/pace.h"

namespace vitrine::loop {
namespace {

constexpr std::int64_t kWeek = 7 * kMicrosPerDay;

using feedback::TriggerCauseName;
using nlohmann::json;

}  // namespace

RetrainWatch::RetrainWatch(RetrainWatchOptions options, Ports ports)
    : options_(std::move(options)),
      ports_(std::move(ports)),
      view_(std::make_shared<const RetrainView>()) {
  if (!options_.now) {
    options_.now = [] { return Now(); };
  }
  Recall();
  if (options_.every.count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
}

RetrainWatch::~RetrainWatch() = default;

void RetrainWatch::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    LookNow();
    std::unique_lock lock(mutex_);
    Pace::WaitFor(wake_, lock, stop, options_.every, [] { return false; });
  }
}

/// A text that cannot be read costs the count of events before now, nothing else.
void RetrainWatch::Recall() {
  const Result<std::string> text = ports_.read();
  const json kept = text.ok() ? json::parse(*text, nullptr, false) : json();
  if (kept.is_object() && kept.contains("last_turn") && kept.contains("events") &&
      kept["last_turn"].is_number_integer() && kept["events"].is_number_unsigned()) {
    kept_ = Kept{{kept["last_turn"].get<std::int64_t>()}, kept["events"].get<std::uint64_t>(), {}};
    const json drifts = kept.value("drifts", json::object());
    for (const auto& [feature, at] : drifts.items()) {
      if (at.is_number_integer()) {
        kept_->drifts[feature] = {at.get<std::int64_t>()};
      }
    }
  }
}

std::shared_ptr<const RetrainView> RetrainWatch::LookNow() {
  const std::scoped_lock lock(looking_);
  auto view = std::make_shared<RetrainView>();
  view->looked = options_.now();
  if (options_.schedule) {
    view->next = options_.schedule->After(view->looked);
  }
  if (const Status status = Look(view->looked, *view); !status.ok()) {
    view->error = status.message();
  }
  view->held = held_;
  view_.Publish(view);
  return view;
}

Status RetrainWatch::Look(Micros now, RetrainView& view) {
  ASSIGN_OR_RETURN(RetrainSight sight, ports_.look(now));
  ASSIGN_OR_RETURN(view.new_events, NewEvents(sight));
  sight.inputs.now = now;
  sight.inputs.new_events = view.new_events;
  sight.inputs.drifted_again = DriftedAgain(sight.inputs.drifted, now);
  sight.inputs.slot = options_.schedule ? options_.schedule->NotAfter(now) : Micros{};
  view.decision = feedback::DecideRetrain(sight.inputs, options_.policy);
  Hold(view.decision, now);
  if (view.decision.retrain) {
    ASSIGN_OR_RETURN(view.job, ports_.start(view.decision));
    if (view.decision.cause == feedback::TriggerCause::kDrift && kept_) {
      Kept kept = *kept_;
      std::erase_if(kept.drifts,
                    [now](const auto& one) { return now.value - one.second.value >= kWeek; });
      for (const std::string& feature : sight.inputs.drifted) {
        kept.drifts[feature] = now;
      }
      RETURN_IF_ERROR(Keep(std::move(kept)));
    }
  }
  return Status::Ok();
}

Result<std::uint64_t> RetrainWatch::NewEvents(const RetrainSight& sight) {
  if (sight.lags) {
    return std::uint64_t{0};
  }
  Kept kept = kept_.value_or(Kept{});
  if (!kept_ || kept.last_turn != sight.inputs.last_turn) {
    kept.last_turn = sight.inputs.last_turn;
    std::uint64_t left = 0;
    if (sight.inputs.last_turn.value == 0) {
      left = sight.events;
    } else if (sight.left) {
      ASSIGN_OR_RETURN(left, sight.left());
    }
    kept.events = sight.events - std::min(left, sight.events);
    RETURN_IF_ERROR(Keep(kept));
  }
  return sight.events < kept.events ? sight.events : sight.events - kept.events;
}

Status RetrainWatch::Keep(Kept kept) {
  json drifts = json::object();
  for (const auto& [feature, at] : kept.drifts) {
    drifts[feature] = at.value;
  }
  RETURN_IF_ERROR(ports_.keep(json({{"last_turn", kept.last_turn.value},
                                    {"events", kept.events},
                                    {"drifts", std::move(drifts)}})
                                  .dump()));
  kept_ = std::move(kept);
  return Status::Ok();
}

std::vector<std::string> RetrainWatch::DriftedAgain(const std::vector<std::string>& drifted,
                                                    Micros now) const {
  std::vector<std::string> again;
  if (!kept_) {
    return again;
  }
  for (const std::string& feature : drifted) {
    const auto before = kept_->drifts.find(feature);
    if (before != kept_->drifts.end() && now.value - before->second.value < kWeek) {
      again.push_back(feature);
    }
  }
  return again;
}

void RetrainWatch::Hold(const feedback::TriggerDecision& decision, Micros now) {
  if (!decision.held) {
    // Whatever was held goes off now, or its cause has gone.
    held_.clear();
    return;
  }
  const auto known = std::find_if(held_.begin(), held_.end(), [&](const HeldTrigger& held) {
    return held.cause == decision.cause;
  });
  if (known == held_.end()) {
    held_.push_back({decision.cause, decision.reason, now});
  } else {
    known->reason = decision.reason;
  }
}

std::string ToJson(const RetrainView& view) {
  json held = json::array();
  for (const HeldTrigger& one : view.held) {
    held.push_back({{"cause", TriggerCauseName(one.cause)},
                    {"reason", one.reason},
                    {"since", FormatIso(one.since)}});
  }
  const json out = {{"looked", view.looked.value == 0 ? json() : json(FormatIso(view.looked))},
                    {"next", view.next ? json(FormatIso(*view.next)) : json()},
                    {"decision",
                     {{"retrain", view.decision.retrain},
                      {"held", view.decision.held},
                      {"cause", TriggerCauseName(view.decision.cause)},
                      {"reason", view.decision.reason}}},
                    {"held", std::move(held)},
                    {"new_events", view.new_events},
                    {"job", view.job.empty() ? json() : json(view.job)},
                    {"error", view.error.empty() ? json() : json(view.error)}};
  return out.dump();
}

}  // namespace vitrine::loop
