/// The watch over retraining (loop/retrain_watch.h) over this server: settings retrain.*, what its monitors, alerts, jobs and
/// registry say, and turns as jobs whose actor is "trigger:CAUSE".
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apps/vitrine/settings.h"
#include "core/status.h"
#include "data/event_log.h"
#include "loop/retrain_watch.h"
#include "monitor/alerts/alert_keeper.h"
#include "monitor/online_monitor.h"
#include "registry/registry.h"
#include "rollout/store.h"
#include "search/live_catalogue.h"
#include "serve/model_set.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// All outlive the watch.
struct RetrainingParts {
  std::string data;  ///< the data directory
  const registry::Registry* registry = nullptr;
  const serve::ModelSet* models = nullptr;
  const search::LiveCatalogue* catalogue = nullptr;
  const monitor::OnlineMonitor* monitor = nullptr;
  const data::EventLog* log = nullptr;
  const monitor::AlertKeeper* alerts = nullptr;
  http::JobService* jobs = nullptr;
  const rollout::RolloutStore* rollouts = nullptr;
  std::function<Status(std::string_view actor, std::string_view action, std::string_view subject,
                       std::string_view evidence)>
      audit;
};

/// Looks only where `watch` and a schedule or a trigger is set.
/// Errors: kInvalidArgument (a setting: named).
Result<std::unique_ptr<loop::RetrainWatch>> OpenRetraining(const Settings& settings,
                                                           const RetrainingParts& parts,
                                                           bool watch);

/// The body of GET /v1/retraining.
std::string RetrainingJson(const Settings& settings, const loop::RetrainWatch& watch);

}  // namespace vitrine::apps
