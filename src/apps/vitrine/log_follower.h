/// Brings the log's records to the monitor, in the log's order and only once they are on disk: what is counted of labels
/// and hours is then what a restart counts again.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "data/event_log.h"
#include "monitor/online_monitor.h"

namespace vitrine::apps {

/// Threads: one of its own, which ends with it.
class LogFollower {
 public:
  /// Whom else each record is told.
  using Also = std::function<void(const data::LogRecord&)>;
  /// Both outlive it. It goes on behind monitor.watermark().
  LogFollower(const data::EventLog& log, monitor::OnlineMonitor& monitor, Also also);
  ~LogFollower();
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

 private:
  void Run(const std::stop_token& stop);

  const data::EventLog& log_;
  monitor::OnlineMonitor& monitor_;
  Also also_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace vitrine::apps
