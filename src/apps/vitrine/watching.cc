#include "apps/vitrine/watching.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "adapters/files/durable.h"
#include "core/pace.h"
#include "monitor/reports_json.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::apps {
namespace {

/// Features of a kept answer, made again from its record by the version that ranked it.
Result<std::vector<Tensor>> Recompute(const serve::ModelSet& models,
                                      const serve::OutsideRankers& outside,
                                      const Impression& impression) {
  const auto model = serve::OutsideRankers::Names(impression.model)
                         ? outside.Find(impression.model)
                         : models.FindModel(impression.model);
  if (!model) {
    return FailedPrecondition(fmt::format("{} is no longer loaded", impression.model));
  }
  History history;
  history.reserve(impression.history.size());
  for (const SeenEvent& event : impression.history) {
    history.push_back({.item = model->vocabulary().Find(event.item_id),
                       .ts = event.ts,
                       .type = event.type,
                       .basket = event.basket});
  }
  std::vector<ItemIndex> candidates;  // of a ranker: those that were shown
  for (std::size_t i = 0; model->candidate_layout() != nullptr && i < impression.items.size();
       ++i) {
    candidates.push_back(model->vocabulary().Find(impression.items[i].item_id));
  }
  const data::FeatureInput input{
      .history = history, .as_of = impression.ts, .candidates = candidates};
  std::vector<Tensor> features;
  RETURN_IF_ERROR(model->spec().Apply({&input, 1}, features));
  return features;
}

}  // namespace

void MonitorObserver::OnServed(const serve::ServedRun& run) {
  if (on_) {
    monitor_.OnServed(run.model.version(), run.request_id, run.features, run.shown_scores, Now());
  }
}

void MonitorObserver::OnImpression(const Impression& impression, bool /*kept*/) {
  if (on_) {
    monitor_.OnImpression(impression);
  }
}

void MonitorObserver::OnDegraded(std::string_view scene, std::string_view rung) {
  if (on_) {
    monitor_.OnDegraded(scene, rung);
  }
}

void MonitorObserver::OnModelFailure(const serve::ServedModel& model,
                                     std::string_view /*message*/) {
  if (on_) {
    monitor_.OnModelFailure(model.version());
  }
}

Result<std::string> MonitorReports::Report(std::string_view kind) const {
  if (kind == "service") {
    monitor::ServiceReport report = parts_.monitor.Service();
    report.load = parts_.load();
    return monitor::ToJson(report);
  }
  if (kind == "quality") {
    monitor::QualityReport report = parts_.monitor.Quality();
    const std::uint64_t last = parts_.log.LastSequence();
    report.behind = last > report.counted ? last - report.counted : 0;
    return monitor::ToJson(report);
  }
  if (kind == "data") {
    return monitor::ToJson(parts_.monitor.Data());
  }
  if (kind == "drift") {
    return monitor::ToJson(parts_.monitor.Drift());
  }
  if (kind == "skew") {
    return monitor::ToJson(parts_.monitor.Skew());
  }
  if (kind == "objectives") {
    return monitor::ToJson(parts_.objectives.Report(Now()));
  }
  return NotFound(fmt::format(
      "there is no monitor '{}'; there are: service, objectives, quality, data, drift, skew",
      kind));
}

Result<std::string> MonitorReports::History(const monitor::WindowRange& range,
                                            std::int64_t step) const {
  // Memory first: an hour that leaves it meanwhile is in the store by then.
  std::vector<monitor::WindowRow> counted = parts_.monitor.Hours();
  // A row of features is fifty times as much as one of answers.
  const std::size_t most = range.kind == monitor::WindowKind::kDrift
                               ? monitor::kMostFeatureHistoryRows
                               : monitor::kMostHistoryRows;
  ASSIGN_OR_RETURN(std::vector<monitor::WindowRow> rows, parts_.store.Read(range, most + 1));
  if (rows.size() > most) {
    return InvalidArgument(fmt::format(
        "more than {} hours of versions and scenes lie in this range; shorten it, or name a model "
        "or a scene",
        most));
  }
  for (monitor::WindowRow& row : counted) {
    if (monitor::InRange(row, range)) {
      rows.push_back(std::move(row));
    }
  }
  if (range.kind == monitor::WindowKind::kService) {
    ASSIGN_OR_RETURN(const auto points, monitor::ServiceHistory(rows, step));
    return monitor::ToJson(points);
  }
  if (range.kind == monitor::WindowKind::kDrift) {
    ASSIGN_OR_RETURN(const auto points, monitor::FeatureHistory(rows, step, range.feature));
    return monitor::ToJson(points);
  }
  ASSIGN_OR_RETURN(const auto points, monitor::QualityHistory(rows, step));
  return monitor::ToJson(points);
}

MonitorKeeper::MonitorKeeper(monitor::OnlineMonitor& monitor,
                             const monitor::ObjectiveWatch& objectives,
                             const serve::ModelSet& models, const serve::OutsideRankers& outside,
                             monitor::WindowStore& store, std::string folder,
                             const KeeperOptions& options)
    : monitor_(monitor),
      objectives_(objectives),
      models_(models),
      outside_(outside),
      store_(store),
      folder_(std::move(folder)),
      options_(options),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

MonitorKeeper::~MonitorKeeper() {
  thread_.request_stop();
  thread_.join();
  Save();
}

void MonitorKeeper::Run(const std::stop_token& stop) {
  Pace::time_point look = Pace::now();
  Pace::time_point save = look + options_.save_every;
  Pace::time_point trim = look;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      Pace::WaitUntil(wake_, lock, stop, std::min(look, save), [] { return false; });
    }
    if (stop.stop_requested()) {
      return;
    }
    if (Pace::now() >= look) {
      monitor_.RunSkewChecks([this](const Impression& impression) {
        return Recompute(models_, outside_, impression);
      });
      monitor_.Publish();
      look = Pace::now() + std::chrono::seconds(1);
    }
    if (Pace::now() >= save) {
      Save();
      save = Pace::now() + options_.save_every;
    }
    if (Pace::now() >= trim) {
      static_cast<void>(store_.Trim(monitor::HourAt(Now()) - 24 * options_.history_days));
      trim = Pace::now() + std::chrono::hours(1);
    }
  }
}

// Before the state that knows them no more: where the process ends between the two, the hours are made again from the log
// and replace what was put here.
void MonitorKeeper::SaveHours() {
  std::vector<monitor::WindowRow> rows = monitor_.Hours();
  std::map<std::tuple<monitor::WindowKind, std::int64_t, std::string>, std::size_t> kept;
  std::vector<monitor::WindowRow> changed;
  for (monitor::WindowRow& row : rows) {
    const std::size_t hash = std::hash<std::string>()(row.counts) ^ (row.final ? 1U : 0U);
    const auto [at, fresh] = kept.emplace(std::tuple(row.kind, row.hour, row.series), hash);
    const auto before = kept_.find(at->first);
    if (before == kept_.end() || before->second != hash) {
      changed.push_back(std::move(row));
    }
  }
  if (!store_.Put(changed).ok()) {
    return;  // tried again with the next state; until then the hours stay in memory
  }
  kept_ = std::move(kept);
  monitor_.DropHours(changed);
}

void MonitorKeeper::Save() {
  SaveHours();
  // A monitor that cannot be kept goes on watching; a full disk is reported where it is felt.
  static_cast<void>(files::WriteDurably(folder_ + "/monitor.json", monitor_.Save()));
  static_cast<void>(files::WriteDurably(folder_ + "/objectives.json", objectives_.Save()));
}

}  // namespace vitrine::apps
