#include "apps/vitrine/alerting.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "adapters/files/durable.h"
#include "apps/vitrine/channels.h"
#include "apps/vitrine/objectives.h"
#include "monitor/signals_from_reports.h"

namespace vitrine::apps {
namespace {

constexpr std::int64_t kYearHours = 365 * 24;
constexpr std::int64_t kWeekMinutes = 7 * 24 * 60;

monitor::ReportSet ReportsOf(const monitor::OnlineMonitor& monitor, const data::EventLog& log,
                             const Remotes& remotes, const Explaining& explaining) {
  // Before the reports: what comes meanwhile is not missing.
  const std::uint64_t last = log.LastSequence();
  monitor::ReportSet set{.service = monitor.Service(),
                         .quality = monitor.Quality(),
                         .data = monitor.Data(),
                         .drift = monitor.Drift(),
                         .skew = monitor.Skew(),
                         .breaker_open = {},
                         .explanations = {}};
  set.quality.behind = last > set.quality.counted ? last - set.quality.counted : 0;
  for (const auto& [model, stability] : explaining.Stabilities()) {
    set.explanations[model] = {.ndcg = stability.ndcg, .answers = stability.answers};
  }
  for (const adapters::RemoteGraph* remote : remotes.graphs) {
    const std::string model = std::string(serve::OutsideRankers::kPrefix) + remote->name();
    set.breaker_open[model] = remote->breaker() != adapters::BreakerState::kClosed;
    set.service.failures.erase(model);  // its breaker says whether it works now
  }
  return set;
}

}  // namespace

Status AlertFiles::Keep(std::string_view name, std::string_view text) {
  return files::WriteDurably(folder_ + "/" + std::string(name), text);
}

Result<std::string> AlertFiles::Read(std::string_view name) {
  const std::string path = folder_ + "/" + std::string(name);
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) {
    return std::string();
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    return Unavailable(path + " is there and cannot be read");
  }
  return text;
}

monitor::SignalSource SignalsOf(const monitor::OnlineMonitor& monitor, const data::EventLog& log,
                                const Remotes& remotes, const Explaining& explaining,
                                monitor::ObjectiveWatch& objectives, const MetricRegistry& metrics,
                                std::chrono::minutes quality) {
  monitor::SignalsFromReports reports(
      [&monitor, &log, &remotes, &explaining] {
        return ReportsOf(monitor, log, remotes, explaining);
      },
      quality);
  return [&monitor, &objectives, &metrics, reports = std::move(reports)](Micros now) mutable {
    std::vector<monitor::Signal> signals = reports(now);
    for (monitor::Signal& signal :
         objectives.Look(now, monitor.Service(), ServedRequests(metrics))) {
      signals.push_back(std::move(signal));
    }
    return signals;
  };
}

namespace {

/// What comes in is wrong, not only late or missing.
constexpr std::array<std::string_view, 4> kWrongData = {
    "data.contract_broken", "data.rejected_share", "data.duplicate_share", "data.future_share"};

/// A contract that is broken by what shoppers do now is a reason to train, not to wait.
bool SaysDataAreWrong(const monitor::Alert& alert) {
  return std::find(kWrongData.begin(), kWrongData.end(), alert.signal) != kWrongData.end() &&
         std::none_of(alert.labels.begin(), alert.labels.end(), [](const auto& label) {
           return label.first == "says" && label.second == "changed";
         });
}

}  // namespace

std::string FreezeAt(const monitor::AlertView& view, Micros now) {
  for (const monitor::QuietTime& quiet : view.quiet_times) {
    if (quiet.kind != monitor::QuietKind::kSilence && quiet.ActiveAt(now)) {
      return fmt::format("the {} \"{}\" lasts until {}", monitor::QuietKindName(quiet.kind),
                         quiet.why, FormatIso(quiet.until));
    }
  }
  for (const monitor::Alert& alert : view.alerts) {
    if (alert.open() && SaysDataAreWrong(alert)) {
      return fmt::format(
          "the alert '{}' says that what comes in is not as it should be ({} {:.4g})", alert.rule,
          alert.signal, alert.value);
    }
  }
  return "";
}

Result<std::chrono::minutes> QualityWindow(const Settings& settings) {
  const std::int64_t quality = settings.Integer("alerts.quality_minutes");
  if (quality < 5 || quality > kWeekMinutes) {
    return InvalidArgument(fmt::format("alerts.quality_minutes must be 5 to {}", kWeekMinutes));
  }
  return std::chrono::minutes(quality);
}

Result<std::unique_ptr<monitor::AlertKeeper>> OpenAlerting(const Settings& settings,
                                                           monitor::SignalSource signals,
                                                           AlertFiles& files,
                                                           MetricRegistry& metrics, bool watch) {
  ASSIGN_OR_RETURN(std::vector<monitor::AlertChannel> channels, OpenChannels(settings));
  const std::int64_t every = settings.Integer("alerts.every_seconds");
  if (every < 1 || every > 3600) {
    return InvalidArgument("alerts.every_seconds must be 1 to 3600");
  }
  const std::int64_t gather = settings.Integer("alerts.gather_seconds");
  if (gather > 3600) {
    return InvalidArgument("alerts.gather_seconds must be 0 to 3600");
  }
  const std::int64_t remind = settings.Integer("alerts.remind_hours");
  if (remind < 0 || remind > kYearHours) {
    return InvalidArgument(fmt::format("alerts.remind_hours must be 0 to {}", kYearHours));
  }
  monitor::AlertKeeperOptions options;
  options.every = std::chrono::seconds(every);
  options.watch = watch;
  options.outbox.gather = std::chrono::seconds(gather);
  options.outbox.remind = std::chrono::hours(remind);
  options.outbox.per_minute -= monitor::AlertKeeper::kMostTests;
  for (const monitor::AlertChannel& channel : channels) {
    if (channel.kind == "alertmanager") {  // forgets what is not said again within a day
      options.outbox.renewed.insert(channel.name);
    }
  }
  options.default_channels = settings.List("alerts.channels");
  options.metrics = &metrics;
  auto keeper = monitor::AlertKeeper::Open(std::move(options), std::move(signals), files,
                                           std::move(channels));
  RETURN_IF_ERROR(keeper.status().WithContext("alerts"));
  return keeper;
}

}  // namespace vitrine::apps
