/// Feeds the online monitor from serving and from the log, and answers /v1/monitors from it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>

#include "data/event_log.h"
#include "monitor/objectives/objective_watch.h"
#include "monitor/online_monitor.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "transport/http/services.h"

namespace vitrine::apps {

class MonitorObserver final : public serve::ServeObserver {
 public:
  /// `on` false: nothing is told.
  MonitorObserver(monitor::OnlineMonitor& monitor, bool on) : monitor_(monitor), on_(on) {}
  void OnServed(const serve::ServedRun& run) override;
  void OnImpression(const Impression& impression, bool kept) override;
  void OnDegraded(std::string_view scene, std::string_view rung) override;
  void OnModelFailure(const serve::ServedModel& model, std::string_view message) override;

 private:
  monitor::OnlineMonitor& monitor_;
  bool on_;
};

class MonitorReports final : public http::MonitorService {
 public:
  /// All outlive it.
  struct Parts {
    const monitor::OnlineMonitor& monitor;
    const data::EventLog& log;
    const monitor::WindowStore& store;
    const monitor::ObjectiveWatch& objectives;
    std::function<monitor::ServiceLoad()> load;
  };
  explicit MonitorReports(Parts parts) : parts_(std::move(parts)) {}
  Result<std::string> Report(std::string_view kind) const override;
  Result<std::string> History(const monitor::WindowRange& range, std::int64_t step) const override;

 private:
  Parts parts_;
};

struct KeeperOptions {
  std::chrono::milliseconds save_every{10'000};
  std::int64_t history_days = 32;  ///< older hours are forgotten
};

/// Background work of monitoring: skew checks, gauges, and the state kept in a file every few
/// seconds and at the end.
class MonitorKeeper {
 public:
  /// All outlive it. `folder`: of monitor.json and objectives.json, which the caller has read before.
  MonitorKeeper(monitor::OnlineMonitor& monitor, const monitor::ObjectiveWatch& objectives,
                const serve::ModelSet& models, const serve::OutsideRankers& outside,
                monitor::WindowStore& store, std::string folder, const KeeperOptions& options);
  ~MonitorKeeper();

 private:
  void Run(const std::stop_token& stop);
  void Save();
  void SaveHours();

  monitor::OnlineMonitor& monitor_;
  const monitor::ObjectiveWatch& objectives_;
  const serve::ModelSet& models_;
  const serve::OutsideRankers& outside_;
  monitor::WindowStore& store_;
  std::string folder_;
  KeeperOptions options_;
  std::map<std::tuple<monitor::WindowKind, std::int64_t, std::string>, std::size_t>
      kept_;  // hash of the row as it was put last: only what changed is put again
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vitrine::apps
