#include "apps/vitrine/watching.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/files/durable.h"
#include "monitor/reports_json.h"

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
  monitor_.OnServed(run.model.version(), run.request_id, run.features, run.shown_scores, Now());
}

void MonitorObserver::OnImpression(const Impression& impression, bool /*kept*/) {
  monitor_.OnImpression(impression);
}

void MonitorObserver::OnDegraded(std::string_view scene, std::string_view rung) {
  monitor_.OnDegraded(scene, rung);
}

void MonitorObserver::OnModelFailure(const serve::ServedModel& model,
                                     std::string_view /*message*/) {
  monitor_.OnModelFailure(model.version());
}

Result<std::string> MonitorReports::Report(std::string_view kind) const {
  if (kind == "service") {
    return monitor::ToJson(monitor_.Service());
  }
  if (kind == "quality") {
    return monitor::ToJson(monitor_.Quality());
  }
  if (kind == "data") {
    return monitor::ToJson(monitor_.Data());
  }
  if (kind == "drift") {
    return monitor::ToJson(monitor_.Drift());
  }
  if (kind == "skew") {
    return monitor::ToJson(monitor_.Skew());
  }
  return NotFound(fmt::format(
      "there is no monitor '{}'; there are: service, quality, data, drift, skew", kind));
}

Result<std::string> MonitorReports::Alerts() const {
  nlohmann::json alerts = nlohmann::json::array();
  for (const monitor::DriftModel& model : monitor_.Drift().models) {
    for (const monitor::DriftSeries& series : model.series) {
      if (series.drifted) {
        alerts.push_back(
            {{"kind", "drift"},
             {"severity", "warning"},
             {"model", model.model},
             {"subject", series.training.feature},
             {"text", fmt::format("{}: '{}' is no longer what the model was fitted on; look at "
                                  "/v1/monitors/drift, then: vitrine retrain",
                                  model.model, series.training.feature)}});
      }
    }
  }
  for (const adapters::RemoteGraph* remote : remotes_.graphs) {
    if (remote->breaker() != adapters::BreakerState::kClosed) {
      const std::string model = std::string(serve::OutsideRankers::kPrefix) + remote->name();
      alerts.push_back({{"kind", "service"},
                        {"severity", "critical"},
                        {"model", model},
                        {"subject", "breaker"},
                        {"text", fmt::format("{} failed too often and is not asked for the moment; "
                                             "the retriever's order is shown instead",
                                             model)}});
    }
  }
  for (const auto& [model, failures] : monitor_.Service().failures) {
    if (serve::OutsideRankers::Names(model)) {
      continue;  // its breaker says whether it works now
    }
    alerts.push_back({{"kind", "service"},
                      {"severity", "critical"},
                      {"model", model},
                      {"subject", "failures"},
                      {"text", fmt::format("{} failed {} times and popular items were shown "
                                           "instead; back: vitrine model rollback",
                                           model, failures)}});
  }
  return nlohmann::json({{"alerts", std::move(alerts)}}).dump();
}

MonitorKeeper::MonitorKeeper(monitor::OnlineMonitor& monitor, const serve::ModelSet& models,
                             const serve::OutsideRankers& outside, std::string file)
    : monitor_(monitor),
      models_(models),
      outside_(outside),
      file_(std::move(file)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

MonitorKeeper::~MonitorKeeper() {
  thread_.request_stop();
  thread_.join();
  Save();
}

void MonitorKeeper::Run(const std::stop_token& stop) {
  for (int turn = 1;; ++turn) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    }
    if (stop.stop_requested()) {
      return;
    }
    monitor_.RunSkewChecks(
        [this](const Impression& impression) { return Recompute(models_, outside_, impression); });
    monitor_.Publish();
    if (turn % 10 == 0) {
      Save();
    }
  }
}

void MonitorKeeper::Save() {
  // A monitor that cannot be kept goes on watching; a full disk is reported where it is felt.
  static_cast<void>(files::WriteDurably(file_, monitor_.Save()));
}

}  // namespace vitrine::apps
