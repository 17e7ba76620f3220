/// The insides of OnlineMonitor, shared by its files.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "monitor/contract/feed_table.h"
#include "monitor/contract/live_contract.h"
#include "monitor/distinct_items.h"
#include "monitor/latency_counts.h"
#include "monitor/online_monitor.h"
#include "monitor/robot_watch.h"
#include "monitor/windows/service_hours.h"

namespace vitrine::monitor {

/// One watched version; its own lock, so that versions do not wait for each other.
struct OnlineMonitor::Model {
  Model(WatchedVersion version, const WindowOptions& options)
      : vocabulary_size(version.vocabulary_size),
        window(std::move(version.values), std::move(version.references), options) {}

  mutable std::mutex mutex;
  std::uint64_t vocabulary_size;
  FeatureWindow window;
  DistinctItems shown;
  std::atomic<std::int64_t> last_served{0};  ///< microseconds; read without the lock
};

struct OnlineMonitor::State {
  using RowKey = std::pair<std::string, std::string>;  ///< model, scene
  /// Finds a row by views: an answer makes no strings.
  struct RowLess {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      using Views = std::pair<std::string_view, std::string_view>;
      return Views(a.first, a.second) < Views(b.first, b.second);
    }
  };
  struct ServiceCounts {
    std::uint64_t answers = 0;
    std::uint64_t fallbacks = 0;
    LatencyCounts seconds;
    Counter* answers_metric = nullptr;  ///< looked up once; null until then or without a registry
    Histogram* seconds_metric = nullptr;
    std::map<std::string, Counter*, std::less<>> fallback_metrics;  ///< by reason; the same
  };
  struct EventCounts {
    std::uint64_t accepted = 0;
    std::uint64_t without_request = 0;
    std::uint64_t anonymous = 0;
    std::uint64_t late = 0;
    Counter* metric = nullptr;
  };

  explicit State(const MonitorOptions& options) : attribution(options.attribution) {}

  mutable std::mutex mutex;  ///< of everything down to `rejected`
  Micros since = Now();
  std::map<RowKey, ServiceCounts, RowLess> service;
  std::map<std::string, std::uint64_t, std::less<>> fallbacks;
  std::map<std::string, std::uint64_t, std::less<>> failures;
  std::uint64_t degraded = 0;
  std::uint64_t duplicates = 0;
  std::map<std::string, std::uint64_t, std::less<>> rejected;

  FeedTable feeds;  ///< has a lock of its own
  /// Rows that the contract has still to hear of: routes do not wait for the log's lock.
  std::atomic<std::uint64_t> refused_rows{0};
  std::atomic<std::uint64_t> repeated_rows{0};

  /// Of what the log says, down to `service_hours`; no answer waits for it.
  mutable std::mutex log_mutex;
  std::uint64_t watermark = 0;  ///< sequence of the newest record that is in it
  std::array<EventCounts, kEventTypes> events;
  Attribution attribution;
  Micros newest_event;
  RobotWatch robots;
  std::uint64_t robot_events = 0;
  ServiceHours service_hours;
  LiveContract contract;

  mutable std::mutex models_mutex;  ///< of the two maps, not of what they point at
  std::map<std::string, std::shared_ptr<Model>, std::less<>> models;
  /// Saved drift counters of versions that are not watched yet.
  std::map<std::string, nlohmann::json, std::less<>> saved_models;
};

}  // namespace vitrine::monitor
