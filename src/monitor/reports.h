/// What GET /v1/monitors/{service,quality,data,drift,skew} answer. Values; the JSON is in
/// reports_json.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/metrics.h"
#include "core/time.h"
#include "monitor/contract/feed_table.h"
#include "monitor/contract/live_contract.h"
#include "monitor/estimate/estimate_rows.h"
#include "monitor/outcomes/business_outcomes.h"
#include "monitor/outcomes/list_behaviour.h"
#include "monitor/service_load.h"
#include "monitor/statistics/drift_verdict.h"

namespace vitrine::monitor {

/// Answers of one version in one scene; `model` is empty for fallbacks that no version ranked.
struct ServiceRow {
  std::string model;
  std::string scene;
  std::uint64_t answers = 0;
  std::uint64_t fallbacks = 0;
  double mean_seconds = 0;
  double p50_seconds = 0;
  double p95_seconds = 0;
  double p99_seconds = 0;
  double p999_seconds = 0;
  Histogram::View latencies;  ///< behind the quantiles; for the differences of two reports
};

struct ServiceReport {
  Micros since;
  std::uint64_t answers = 0;
  std::uint64_t degraded = 0;                      ///< answers that came down from their pipeline
  double fallback_share = 0;                       ///< of all answers
  std::map<std::string, std::uint64_t> fallbacks;  ///< by reason
  std::map<std::string, std::uint64_t> failures;   ///< of features or graph, by version
  std::vector<ServiceRow> rows;
  std::optional<ServiceLoad> load;  ///< set by whoever looks at the server
};

/// Shown lists against what shoppers did afterwards, for one kind of label.
struct LabelQuality {
  std::string label;             ///< "click", "purchase"
  std::uint64_t answers = 0;     ///< with at least one such label; the means are over these
  std::uint64_t places = 0;      ///< shown places with the label
  std::uint64_t missed = 0;      ///< labelled items that the list did not show
  double mrr = 0;                ///< mean of 1 / place of the first labelled item; 0 where none
  std::map<int, double> recall;  ///< by k
  std::map<int, double> ndcg;
};

/// What was said of one figure before labels came, and what came.
struct EstimatedFigure {
  MetricValue estimate;
  std::optional<double> carried;  ///< what the newest hour with labels had then
  std::optional<double> came;     ///< once labels are in
};

/// Estimates of the answers of a row's hours, for one label.
struct EstimateBesideLabels {
  std::string label;
  std::uint64_t answers =
      0;  ///< that were estimated; an error means something where they are nearly all
  EstimatedFigure ctr;
  std::map<int, EstimatedFigure> ndcg;  ///< by k
};

struct QualityRow {
  std::string model;
  std::string scene;
  std::uint64_t answers = 0;
  std::uint64_t mature = 0;     ///< answers whose label windows have all passed
  std::uint64_t shown = 0;      ///< places
  std::uint64_t clicks = 0;     ///< as sent, repeats included
  double ctr = 0;               ///< clicked places / shown places
  MetricValue click_rate;       ///< answers with a click, Wilson 95 % interval
  MetricValue conversion_rate;  ///< answers with a purchase, the same
  /// More clicks than places were shown: clicks are sent twice, by robots, or under wrong ids.
  bool more_clicks_than_shown = false;
  std::vector<LabelQuality> labels;
  std::vector<EstimateBesideLabels> estimates;  ///< of history
  std::optional<ScoreHour> scores;              ///< of history: scores against clicks
  std::optional<BehaviourCounts> behaviour;     ///< of history: what the lists looked like
};

struct JoinRow {
  std::string event;
  std::uint64_t events = 0;      ///< item rows of this type
  std::uint64_t by_request = 0;  ///< joined by request_id
  std::uint64_t by_subject = 0;  ///< joined by shopper and item within the window
  std::uint64_t orphans = 0;     ///< a request_id that is unknown, or too long ago
  std::uint64_t unshown = 0;     ///< the request did not show the item
  std::uint64_t unjoined = 0;    ///< no request_id, and no answer showed the item
  double unjoined_share = 0;     ///< all that were not joined / events
};

struct QualityReport {
  Micros since;
  std::uint64_t counted = 0;  ///< sequence of the newest record of the log that is in it
  std::uint64_t behind = 0;   ///< records of the log that are not; set by whoever knows the log
  std::uint64_t hours_waiting =
      0;  ///< final rows of hours that are not kept yet: the disk refuses them where it grows
  std::uint64_t hours_lost = 0;  ///< of those, left before they were
  std::uint64_t waiting = 0;     ///< answers that still wait for labels
  std::uint64_t forgotten = 0;   ///< left before their time because too many waited
  std::vector<QualityRow> rows;
  std::vector<JoinRow> joins;
  std::vector<int> ks;                  ///< of `estimates`
  std::vector<EstimateRow> estimates;   ///< of answers whose labels are not in
  std::vector<ScoreRow> scores;         ///< scores against clicks, since each version began
  std::vector<BusinessRow> business;    ///< the same for what answers are worth
  std::vector<BehaviourRow> behaviour;  ///< and for what lists look like
};

struct DataRow {
  std::string event;
  std::uint64_t accepted = 0;
  std::uint64_t without_request = 0;  ///< no request_id
  std::uint64_t anonymous = 0;
  std::uint64_t late = 0;  ///< more than a day older than the newest event
};

struct DataReport {
  Micros since;
  std::uint64_t counted = 0;  ///< sequence of the newest record of the log that is in it
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::map<std::string, std::uint64_t> rejected;  ///< by code
  double rejected_share = 0;                      ///< of all rows that came
  std::uint64_t robots = 0;  ///< of those accepted, beyond the first 1,000 of a user's hour
  std::vector<DataRow> rows;
  std::vector<FeedRow> feeds;  ///< since the server began
  ContractReport contract;
};

struct DriftSeries {
  DriftVerdict training;                 ///< the window against the manifest's reference
  std::optional<DriftVerdict> baseline;  ///< the window against the version's first requests
  /// Against the baseline where there is one: what moved since the version went live. Else against
  /// training.
  bool drifted = false;
};

struct DriftModel {
  std::string model;
  std::uint64_t requests = 0;         ///< since the version was first served
  std::uint64_t window_requests = 0;  ///< in closed slots
  std::uint64_t looks = 0;            ///< at this version: each closed slot is one
  bool baseline_ready = false;
  double coverage = 0;  ///< distinct items shown / items of the vocabulary
  std::uint64_t judged = 0;
  std::uint64_t drifted = 0;
  std::vector<DriftSeries> series;
};

struct DriftReport {
  std::vector<DriftModel> models;
};

struct SkewFeature {
  std::string feature;
  std::uint64_t values = 0;
  std::uint64_t mismatches = 0;
  std::string example;  ///< the newest one: "request r1, value 3: served 7, recomputed 8"
};

struct SkewModel {
  std::string model;
  std::uint64_t checks = 0;    ///< answers whose features were made again
  std::uint64_t failures = 0;  ///< could not be made again
  double mismatch_share = 0;   ///< of the values
  std::vector<SkewFeature> features;
};

struct SkewReport {
  std::vector<SkewModel> models;
};

}  // namespace vitrine::monitor
