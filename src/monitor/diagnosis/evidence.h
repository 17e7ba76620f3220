/// What was measured, handed to Diagnose by whoever asks. Every field is optional: what is absent was not
/// looked at, and is taken neither for good nor for bad. An empty list or map was looked at, and empty.
/// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

/// A mean with what is needed to compare it.
struct MeanSample {
  double mean = 0;
  double standard_error = 0;  ///< of the mean; over times where answers of one are alike
  std::uint64_t rows = 0;
  /// The error is that of the means of so many stretches of time; unset: rows are independent.
  std::optional<std::uint64_t> batches = std::nullopt;
};

struct ShareSample {
  std::uint64_t hits = 0;
  std::uint64_t rows = 0;
};

struct LatencySample {
  double mean_seconds = 0;
  double p50_seconds = 0;
  double p95_seconds = 0;
  double p99_seconds = 0;
  /// Answers by bucket of time, with the same bounds before and after. The test looks at these,
  std::vector<std::uint64_t> buckets;
  /// and at these, which know that answers of one moment are slow together. Either may be absent.
  std::optional<MeanSample> seconds = std::nullopt;
};

struct SceneQuality {
  std::string scene;
  std::uint64_t answers = 0;
  std::optional<std::uint64_t> mature;  ///< answers whose label windows have passed
  std::optional<MetricValue> click_rate;
  std::optional<MetricValue> conversion_rate;
};

/// One version over one time: what served before the deploy, or after it.
struct VersionEvidence {
  std::string model;  ///< "name:number"

  std::optional<LatencySample> latency;
  /// Where the seconds of an answer went. `rest` is everything that is none of the others.
  std::optional<MeanSample> queue_seconds;
  std::optional<MeanSample> features_seconds;
  std::optional<MeanSample> graph_seconds;
  std::optional<MeanSample> rest_seconds;

  std::optional<std::uint64_t> model_bytes;
  std::optional<double> batch_rows;  ///< rows that run together at most, as the warm-up chose
  std::optional<bool> neighbours;    ///< dense items are found by an index, not by an exact scan
  std::optional<std::uint64_t> cores;
  std::optional<double> cpu_share;  ///< of all cores, [0, 1]
  std::optional<double> requests_per_second;
  std::optional<ShareSample> cache_hits;  ///< answers that lay ready, of those that could have

  std::optional<std::uint64_t> answers;                           ///< of fallbacks and degraded
  std::optional<std::map<std::string, std::uint64_t>> fallbacks;  ///< by reason
  std::optional<std::map<std::string, std::uint64_t>> degraded;   ///< by rung

  std::optional<std::vector<SceneQuality>> quality;
  std::optional<std::vector<std::uint64_t>> positions;  ///< items shown by place on the page
  std::optional<std::vector<DriftVerdict>> drift;
  std::optional<std::vector<SkewFeature>> skew;
  std::optional<std::map<std::string, ShareSample>> missing_features;  ///< by feature, of requests
};

/// Reception less the event's own time, in seconds: below 0 the event is from the future.
struct ClockSample {
  double p25_seconds = 0;
  double p50_seconds = 0;
  double p75_seconds = 0;
  std::uint64_t rows = 0;
};

/// What came in, and how it was joined.
struct DataEvidence {
  std::optional<std::uint64_t> accepted;
  std::optional<std::map<std::string, std::uint64_t>> rejected;  ///< by code
  std::optional<ShareSample> duplicates;                         ///< of rows that came
  std::optional<ShareSample> late;                               ///< of rows accepted
  std::optional<ShareSample> orphans;  ///< of items of events that name a request: nobody knows it
  std::optional<ShareSample> unshown;  ///< of the same: the request did not show the item
  /// Of clicked items: no request id, and no answer that fits. Clicks alone are on what was shown; most views
  /// are of what shoppers found by themselves.
  std::optional<ShareSample> unjoined;
  std::optional<bool> more_clicks_than_shown;
  std::optional<ClockSample> clock;
  std::optional<std::uint64_t> counted;  ///< records of the log that were joined
  std::optional<std::uint64_t>
      behind;  ///< records that were not yet, though they had the time to be
  std::optional<ShareSample> forgotten;  ///< answers that had to leave early, of all
  std::optional<double> sampling;        ///< share of the answers that is looked at, (0, 1]
  std::optional<std::uint64_t> sampled;  ///< answers that were looked at
};

/// A start, or the load of a version, that was tried.
struct StartEvidence {
  std::optional<bool> started;
  std::optional<int> exit_status;
  std::optional<int> signal;  ///< that ended it; 0: none
  std::optional<std::string> text;
  std::optional<bool> file_present;
  std::optional<bool> hash_matches;
  std::optional<bool> database_well;  ///< vitrine.db opens, and is whole
  std::optional<std::vector<std::string>> unsupported_operators;
  std::optional<std::vector<std::string>> missing_libraries;
  std::optional<std::uint64_t> memory_needed_bytes;
  std::optional<std::uint64_t> memory_free_bytes;
  std::optional<std::uint64_t> disk_free_bytes;
  std::optional<bool> port_in_use;
  std::optional<bool> directory_in_use;
  std::optional<bool> needs_key;  ///< others reach the listener, and there is no key
};

enum class ConnectResult : std::uint8_t { kConnected, kRefused, kTimedOut, kUnreachable };

struct ScrapeConfig {
  std::string path = "/metrics";
  double timeout_seconds = 10;
  std::optional<double> answer_seconds;  ///< that /metrics took
};

/// A client, a scraper or a browser that does not get through.
struct ReachEvidence {
  std::optional<bool> server_alive;                   ///< it answers on the socket of its directory
  std::optional<std::vector<std::string>> listeners;  ///< "127.0.0.1:7700", "[::]:7700"
  std::optional<bool> asked_from_elsewhere;           ///< from another machine
  std::optional<int> asked_port;
  std::optional<bool> client_speaks_tls;
  std::optional<bool> server_speaks_tls;
  std::optional<std::vector<std::string>> resolved;       ///< addresses of the name that was asked
  std::optional<std::vector<std::string>> own_addresses;  ///< of the machine, or of its proxy
  std::optional<ConnectResult> connect;
  std::optional<int> http_status;
  std::optional<std::string> problem;  ///< `code` of the answer's problem
  std::optional<ScrapeConfig> scrape;
};

struct Evidence {
  VersionEvidence before;
  VersionEvidence after;
  DataEvidence data_before;
  DataEvidence data;  ///< after the deploy, or now
  StartEvidence start;
  ReachEvidence reach;
};

}  // namespace vitrine::monitor
