/// The alert keeper over this server's monitor, data directory and channels.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "apps/vitrine/explaining.h"
#include "apps/vitrine/remotes.h"
#include "apps/vitrine/settings.h"
#include "core/metrics.h"
#include "core/status.h"
#include "data/event_log.h"
#include "monitor/alerts/alert_keeper.h"
#include "monitor/objectives/objective_watch.h"
#include "monitor/online_monitor.h"

namespace vitrine::apps {

/// What is kept of alerts, as files of one folder.
class AlertFiles final : public monitor::AlertStore {
 public:
  explicit AlertFiles(std::string folder) : folder_(std::move(folder)) {}
  Status Keep(std::string_view name, std::string_view text) override;
  Result<std::string> Read(std::string_view name) override;

 private:
  std::string folder_;
};

/// What the monitor, the objectives, the rankers of other servers and the looks at live explanations say at this moment, as
/// signals; `log`: how much of it the monitor has still to count; `metrics`: where requests are counted. All outlive it.
monitor::SignalSource SignalsOf(const monitor::OnlineMonitor& monitor, const data::EventLog& log,
                                const Remotes& remotes, const Explaining& explaining,
                                monitor::ObjectiveWatch& objectives, const MetricRegistry& metrics,
                                std::chrono::minutes quality);

/// Over how long clicks and purchases are counted (alerts.quality_minutes). Errors: kInvalidArgument.
Result<std::chrono::minutes> QualityWindow(const Settings& settings);

/// Why nothing of the loop should change by itself at `now`: a sale or maintenance is declared, or an alert is open that
/// says that what comes in is wrong (its contract, refused, doubled or future rows), so that neither figures nor a training on them can be trusted; empty where it may.
std::string FreezeAt(const monitor::AlertView& view, Micros now);

/// `watch`: see AlertKeeperOptions. `files` and `metrics` outlive the keeper.
/// Errors: those of OpenChannels and AlertKeeper::Open, kInvalidArgument (a setting: named).
Result<std::unique_ptr<monitor::AlertKeeper>> OpenAlerting(const Settings& settings,
                                                           monitor::SignalSource signals,
                                                           AlertFiles& files,
                                                           MetricRegistry& metrics, bool watch);

}  // namespace vitrine::apps
