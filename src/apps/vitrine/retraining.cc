#include "apps/vitrine/retraining.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/files/durable.h"
#include "apps/vitrine/alerting.h"
#include "apps/vitrine/job_service.h"
#include "apps/vitrine/retrain_job.h"
#include "serve/served_model.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

constexpr std::size_t kJobsLookedAt = 100;
constexpr std::size_t kRolloutsLookedAt = 50;
constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;

Result<loop::RetrainWatchOptions> OptionsOf(const Settings& settings, bool watch) {
  loop::RetrainWatchOptions options;
  if (const std::string& text = settings.Text("retrain.schedule"); !text.empty()) {
    Result<loop::Cron> schedule = loop::Cron::Parse(text);
    RETURN_IF_ERROR(schedule.status().WithContext("retrain.schedule"));
    options.schedule = *std::move(schedule);
  }
  feedback::TriggerPolicy& policy = options.policy;
  for (const std::string& trigger : settings.List("retrain.triggers")) {
    if (trigger == "quality") {
      policy.quality = true;
    } else if (trigger == "drift") {
      policy.drift = true;
    } else if (trigger == "volume") {
      ASSIGN_OR_RETURN(policy.growth, settings.Share("retrain.growth"));
    } else if (trigger == "catalogue") {
      ASSIGN_OR_RETURN(policy.newcomers, settings.Share("retrain.newcomers"));
    } else {
      return InvalidArgument(fmt::format(
          "retrain.triggers: '{}' is none; there are quality, drift, volume, catalogue", trigger));
    }
  }
  const bool any = options.schedule || policy.quality || policy.drift || policy.growth > 0 ||
                   policy.newcomers > 0;
  policy.cool_down = Micros{settings.Integer("retrain.rest_minutes") * kMicrosPerMinute};
  policy.minimum_new_events = static_cast<std::uint64_t>(settings.Integer("retrain.min_events"));
  policy.per_day = static_cast<std::uint32_t>(settings.Integer("retrain.per_day"));
  const std::int64_t every = settings.Integer("retrain.every_seconds");
  if (every < 1 || every > 3600) {
    return InvalidArgument("retrain.every_seconds must be 1 to 3600");
  }
  options.every = watch && any ? std::chrono::seconds(every) : std::chrono::seconds(0);
  return options;
}

/// Rows of the snapshot with this hash; 0 where it is not there any more.
std::uint64_t RowsOfSnapshot(const std::string& data, const std::string& hash) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(data + "/lake/snapshots", error)) {
    const std::string name = entry.path().filename().string();
    const std::size_t dash = name.find('-');
    if (hash.empty() || dash == std::string::npos || !hash.starts_with(name.substr(dash + 1))) {
      continue;
    }
    std::ifstream in(entry.path() / "manifest.json", std::ios::binary);
    const json manifest = json::parse(in, nullptr, false);
    const auto rows = manifest.is_object() ? manifest.find("rows") : manifest.end();
    return rows != manifest.end() && rows->is_number_unsigned() ? rows->get<std::uint64_t>() : 0;
  }
  return 0;
}

std::string Label(const monitor::Alert& alert, const std::string& name) {
  for (const auto& [key, value] : alert.labels) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

/// Signals that fall where shoppers take less of what is shown.
constexpr std::array<std::string_view, 4> kTaken = {"quality.ctr", "quality.scene_ctr",
                                                    "quality.estimated_ctr", "quality.conversion"};

/// An alert that was there before the last turn: that turn is given a day to end it.
bool JustTrainedFor(const monitor::Alert& alert, Micros last_turn, Micros now) {
  return alert.fired <= last_turn && now.value - last_turn.value < kMicrosPerDay;
}

/// A turn that was about other aliases, rankers' for instance, taught the champion nothing.
bool WasOfChampion(const json& result) {
  return !result.is_object() ||
         result.value("alias", std::string(registry::kChampion)) == registry::kChampion;
}

/// The log's sequence up to which a turn took it.
std::optional<std::uint64_t> LogTaken(const json& result) {
  const auto taken = result.is_object() ? result.find("log_taken") : result.end();
  return result.is_object() && taken != result.end() && taken->is_number_unsigned()
             ? std::optional(taken->get<std::uint64_t>())
             : std::nullopt;
}

constexpr std::size_t kRecordsRead = 1000;

/// Events of the log behind `after`, up to `last`.
Result<std::uint64_t> EventsBetween(const data::EventLog& log, std::uint64_t after,
                                    std::uint64_t last) {
  std::uint64_t events = 0;
  while (after < last) {
    ASSIGN_OR_RETURN(const std::vector<data::LogRecord> records, log.Read(after, kRecordsRead));
    for (const data::LogRecord& record : records) {
      events += record.sequence <= last && std::holds_alternative<Event>(record.body) ? 1U : 0U;
    }
    after = records.empty() ? last : records.back().sequence;
  }
  return events;
}

class Look {
 public:
  Look(RetrainingParts parts, bool rolls_out) : parts_(std::move(parts)), rolls_out_(rolls_out) {}

  Result<loop::RetrainSight> operator()(Micros now) {
    loop::RetrainSight sight;
    const monitor::DataReport data = parts_.monitor->Data();
    sight.events = data.accepted;
    ASSIGN_OR_RETURN(const std::optional<std::uint64_t> taken, LookAtJobs(now, sight.inputs));
    if (taken) {
      sight.lags = data.counted < *taken;
      sight.left = [log = parts_.log, taken = *taken, last = data.counted] {
        return EventsBetween(*log, taken, last);
      };
    }
    RETURN_IF_ERROR(LookAtChampion(sight.inputs));
    LookAtAlerts(now, sight.inputs);
    RETURN_IF_ERROR(LookAtRollouts(sight.inputs));
    return sight;
  }

 private:
  /// Up to where the last turn took the log.
  Result<std::optional<std::uint64_t>> LookAtJobs(Micros now,
                                                  feedback::TriggerInputs& inputs) const {
    std::optional<std::uint64_t> taken;
    ASSIGN_OR_RETURN(const std::vector<loop::Job> jobs, parts_.jobs->List("", kJobsLookedAt));
    for (const loop::Job& job : jobs) {  // the newest first
      if (job.kind != "retrain") {
        continue;
      }
      inputs.running = inputs.running || job.state == loop::JobState::kQueued ||
                       job.state == loop::JobState::kRunning;
      if (inputs.last_turn < job.finished) {
        const json result = json::parse(job.result, nullptr, false);
        if (WasOfChampion(result)) {
          inputs.last_turn = job.finished;
          taken = LogTaken(result);
        }
      }
      const bool ours = job.actor.starts_with(kTriggerActor);
      inputs.started_today += ours && job.created.value > now.value - kMicrosPerDay ? 1U : 0U;
    }
    return taken;
  }

  Status LookAtChampion(feedback::TriggerInputs& inputs) {
    const Result<registry::ModelVersion> champion = parts_.registry->Find(registry::kChampion);
    if (champion.status().code() == Code::kNotFound) {
      return Status::Ok();
    }
    RETURN_IF_ERROR(champion.status());
    champion_ = champion->ref.ToString();
    if (snapshot_ != champion->snapshot) {
      snapshot_ = champion->snapshot;
      rows_ = RowsOfSnapshot(parts_.data, snapshot_);
    }
    inputs.trained_events = rows_;
    inputs.items = parts_.catalogue->items();
    if (const auto model = parts_.models->FindModel(champion_)) {
      const std::uint64_t known = model->manifest().vocabulary_size;
      inputs.unknown_items = inputs.items > known ? inputs.items - known : 0;
    }
    return Status::Ok();
  }

  void LookAtAlerts(Micros now, feedback::TriggerInputs& inputs) const {
    const auto view = parts_.alerts->View();
    for (const monitor::Alert& alert : view->alerts) {
      const std::string model = Label(alert, "model");
      if (!alert.open() || (model != champion_ && alert.signal != "quality.scene_ctr")) {
        continue;
      }
      if (alert.signal == "drift.drifted") {
        inputs.drifted.push_back(Label(alert, "feature"));
      } else if (std::find(kTaken.begin(), kTaken.end(), alert.signal) != kTaken.end() &&
                 !JustTrainedFor(alert, inputs.last_turn, now)) {
        inputs.losses.push_back(fmt::format("{} in scene '{}' ({} {:.4g}, bound {:.4g})",
                                            alert.rule, Label(alert, "scene"), alert.signal,
                                            alert.value, alert.bound));
      }
    }
    inputs.frozen = FreezeAt(*view, now);
  }

  /// While one goes on, a turn could only wait for its end. One that was rolled back is its turn's failure.
  Status LookAtRollouts(feedback::TriggerInputs& inputs) const {
    if (!rolls_out_) {
      return Status::Ok();
    }
    ASSIGN_OR_RETURN(const std::vector<rollout::Rollout> rollouts,
                     parts_.rollouts->ListRollouts("", kRolloutsLookedAt));
    bool failing = true;
    for (const rollout::Rollout& rollout : rollouts) {  // the newest first
      if (rollout.alias != registry::kChampion) {
        continue;
      }
      if (rollout.active()) {
        inputs.rollout = rollout.id + " goes on";
      } else if (rollout.state == rollout::RolloutState::kPromoted) {
        failing = false;
      } else if (failing && !rollout.job.empty()) {
        inputs.rolled_back = std::max(inputs.rolled_back, rollout.ended);
        ++inputs.failed_rollouts;
      }
    }
    return Status::Ok();
  }

  RetrainingParts parts_;
  bool rolls_out_ = false;
  std::string champion_;
  std::string snapshot_;
  std::uint64_t rows_ = 0;
};

Result<std::string> StartTurn(const RetrainingParts& parts,
                              const feedback::TriggerDecision& decision) {
  const std::string actor =
      fmt::format("{}{}", kTriggerActor, feedback::TriggerCauseName(decision.cause));
  // The reason goes with the job, so that what comes of it can tell.
  ASSIGN_OR_RETURN(
      const loop::Job job,
      parts.jobs->Start("retrain", json({{"reason", decision.reason}}).dump(), actor, ""));
  RETURN_IF_ERROR(parts.audit(
      actor, "retrain", job.id,
      json({{"cause", feedback::TriggerCauseName(decision.cause)}, {"reason", decision.reason}})
          .dump()));
  return job.id;
}

}  // namespace

Result<std::unique_ptr<loop::RetrainWatch>> OpenRetraining(const Settings& settings,
                                                           const RetrainingParts& parts,
                                                           bool watch) {
  ASSIGN_OR_RETURN(loop::RetrainWatchOptions options, OptionsOf(settings, watch));
  const std::string file = parts.data + "/retraining.json";
  return std::make_unique<loop::RetrainWatch>(
      std::move(options),
      loop::RetrainWatch::Ports{
          .look = Look(parts, settings.Text("retrain.promote") == kByRollout),
          .start =
              [parts](const feedback::TriggerDecision& decision) {
                return StartTurn(parts, decision);
              },
          .read = [file]() -> Result<std::string> {
            std::ifstream in(file, std::ios::binary);
            return std::string(std::istreambuf_iterator<char>(in), {});
          },
          .keep = [file](const std::string& text) { return files::WriteDurably(file, text); }});
}

std::string RetrainingJson(const Settings& settings, const loop::RetrainWatch& watch) {
  json out = json::parse(loop::ToJson(*watch.View()));
  const std::string& schedule = settings.Text("retrain.schedule");
  out["schedule"] = schedule.empty() ? json() : json(schedule);
  out["triggers"] = settings.List("retrain.triggers");
  return out.dump();
}

}  // namespace vitrine::apps
