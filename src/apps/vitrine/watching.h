/// Feeds the online monitor from serving and from the log, and answers /v1/monitors from it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "apps/vitrine/remotes.h"
#include "monitor/online_monitor.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "transport/http/services.h"

namespace vitrine::apps {

class MonitorObserver final : public serve::ServeObserver {
 public:
  explicit MonitorObserver(monitor::OnlineMonitor& monitor) : monitor_(monitor) {}
  void OnServed(const serve::ServedRun& run) override;
  void OnImpression(const Impression& impression, bool kept) override;
  void OnDegraded(std::string_view scene, std::string_view rung) override;
  void OnModelFailure(const serve::ServedModel& model, std::string_view message) override;

 private:
  monitor::OnlineMonitor& monitor_;
};

class MonitorReports final : public http::MonitorService {
 public:
  MonitorReports(const monitor::OnlineMonitor& monitor, const Remotes& remotes)
      : monitor_(monitor), remotes_(remotes) {}
  Result<std::string> Report(std::string_view kind) const override;
  Result<std::string> Alerts() const override;

 private:
  const monitor::OnlineMonitor& monitor_;
  const Remotes& remotes_;
};

/// Background work of monitoring: skew checks, gauges, and the state kept in a file every few
/// seconds and at the end.
class MonitorKeeper {
 public:
  /// All outlive it; `file` is read by the caller before (OnlineMonitor::Load).
  MonitorKeeper(monitor::OnlineMonitor& monitor, const serve::ModelSet& models,
                const serve::OutsideRankers& outside, std::string file);
  ~MonitorKeeper();

 private:
  void Run(const std::stop_token& stop);
  void Save();

  monitor::OnlineMonitor& monitor_;
  const serve::ModelSet& models_;
  const serve::OutsideRankers& outside_;
  std::string file_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vitrine::apps
