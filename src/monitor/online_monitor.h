/// Watches serving from inside the server: what was answered, what shoppers did with it, which
/// features were served, and whether they are those of training. Bounded memory; counters only on
/// the serving thread, statistics when a report is asked for.
/// Metrics written (names are a contract, see metric_names.txt):
///   vitrine_answers_total{model,scene}  vitrine_answer_fallbacks_total{scene,reason}
///   vitrine_answer_seconds{scene}  vitrine_model_failures_total{model}
///   vitrine_events_total{event}  vitrine_events_duplicate_total  vitrine_events_rejected_total{code}
///   vitrine_event_joins_total{event,joined}
/// and, by Publish():
///   vitrine_monitor_hours_waiting
///   vitrine_quality_ctr_ratio{model,scene}  vitrine_quality_click_answers_ratio{model,scene}
///   vitrine_quality_purchase_answers_ratio{model,scene}
///   vitrine_quality_mrr_ratio{model,scene,label}
///   vitrine_quality_ndcg_ratio{model,scene,label,k}  vitrine_quality_recall_ratio{model,scene,label,k}
///   vitrine_drift_psi_ratio{model,feature}  vitrine_drift_features{model}
///   vitrine_catalogue_coverage_ratio{model}  vitrine_skew_values{model}
///   vitrine_skew_mismatches_ratio{model}
/// Threads: every method from any thread; the On... methods take a lock for about a microsecond and
/// do no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "core/event.h"
#include "core/impression.h"
#include "core/metrics.h"
#include "core/status.h"
#include "core/tensor.h"
#include "data/event_log.h"
#include "data/reference_histograms.h"
#include "monitor/attribution.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/row_counter.h"
#include "monitor/feature_window.h"
#include "monitor/reports.h"
#include "monitor/skew_checks.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {

struct MonitorOptions {
  AttributionOptions attribution;
  WindowOptions window;
  DriftOptions drift;
  SkewOptions skew;
  std::size_t most_models = 16;  ///< versions watched at once; the one served longest ago leaves
};

/// What monitoring must know of a version before it is served.
struct WatchedVersion {
  std::string model;                           ///< "name:number"
  data::ServedValues values;                   ///< over its FeatureSpec
  std::vector<ReferenceHistogram> references;  ///< the manifest's
  std::uint64_t vocabulary_size = 0;           ///< items that it can recommend
};

class OnlineMonitor {
 public:
  /// `metrics` must outlive the monitor; null: none are written.
  explicit OnlineMonitor(MonitorOptions options, MetricRegistry* metrics = nullptr);
  ~OnlineMonitor();
  OnlineMonitor(const OnlineMonitor&) = delete;
  OnlineMonitor& operator=(const OnlineMonitor&) = delete;

  /// From now on features of this version are counted. Watching it again changes nothing.
  void Watch(WatchedVersion version);

  /// A version ranked an answer. Features: FeatureSpec::Apply's tensors, a batch of one.
  /// A version that is not watched is ignored.
  void OnServed(std::string_view model, std::string_view request_id,
                std::span<const Tensor> features, std::span<const double> shown_scores, Micros ts);
  /// An answer was given (or reported by another system). After OnServed of the same request. Labels are joined to
  /// it when the log says that it was given: OnRecord.
  void OnImpression(const Impression& impression);
  /// An answer came down from its scene's whole pipeline.
  void OnDegraded(std::string_view scene, std::string_view rung);
  void OnModelFailure(std::string_view model);
  /// The log's records, in its order. What is counted of events, labels and hours follows from them alone: a
  /// state that was saved, and the records behind its watermark, give exactly what there was. One that is not behind
  /// the watermark is taken for known. Threads: one caller at a time.
  void OnRecord(const data::LogRecord& record);
  /// Up to here the log holds nothing more: what was erased or replaced is missing from its sequence.
  /// `read_at`: a moment before the log was read, so that hours which ended by then can be judged by the data
  /// contract; 0: none is.
  void OnReadThrough(std::uint64_t sequence, Micros read_at = {});
  /// Forgets what follows from the log: it is counted anew, from its first record.
  void StartLogAnew();
  /// Sequence of the newest record that is counted, or known to be missing.
  [[nodiscard]] std::uint64_t watermark() const;
  void OnDuplicates(std::uint64_t rows);
  /// Events that `feed` (who sent them) got into the log at `now`; `duplicates` of them were there.
  void OnFeed(std::string_view feed, std::span<const Event> events, std::uint64_t duplicates,
              Micros now);
  /// The data contract that is held against what comes in from here on.
  void SetContract(std::shared_ptr<const DataContract> contract, std::uint64_t version);
  /// What ids of events are held against. Call before the first contract.
  void SetKnownIds(KnownIds known);
  /// `code` is one of data::kRejectionCodes (others are counted as "other").
  void OnRejected(std::string_view code, std::uint64_t rows = 1);

  /// Makes features of sampled answers again; call from a background thread, every second or so.
  std::size_t RunSkewChecks(const SkewChecks::Recompute& recompute, std::size_t most = 32);
  /// Writes the gauges; call before a scrape or every few seconds.
  void Publish();

  [[nodiscard]] ServiceReport Service() const;
  [[nodiscard]] QualityReport Quality() const;
  [[nodiscard]] DataReport Data() const;
  [[nodiscard]] DriftReport Drift() const;
  [[nodiscard]] SkewReport Skew() const;

  /// What changed in the history of hours, final hours and others; each row replaces the one of its key.
  [[nodiscard]] std::vector<WindowRow> Hours() const;
  /// Forgets rows of Hours() that were final and are kept elsewhere now.
  void DropHours(std::span<const WindowRow> kept);

  /// Everything but skew samples, as one JSON text.
  [[nodiscard]] std::string Save() const;
  /// Call before serving; drift counters wait until their version is watched.
  /// Errors: kInvalidArgument (broken), kFailedPrecondition (newer format); the state stays as it was.
  Status Load(std::string_view saved);

 private:
  struct State;
  struct Model;
  struct EventChange {
    Counter* metric = nullptr;
    JoinCounts before;
    JoinCounts after;
  };
  /// The part of a saved state that follows from the log. Throws nlohmann::json::exception.
  static Status LoadLog(const nlohmann::json& saved, State& read);
  /// Precondition: log_mutex is held.
  EventChange CountEvent(const Event& event, Micros received);
  std::shared_ptr<Model> Find(std::string_view model) const;
  /// By name.
  [[nodiscard]] std::vector<std::pair<std::string, std::shared_ptr<Model>>> Watched() const;
  [[nodiscard]] std::vector<WindowRow> FeatureHourRows() const;
  /// Gives a version its saved counters. Precondition: models_mutex is held.
  void RestoreModel(const std::string& name, Model& model);

  MonitorOptions options_;
  MetricRegistry* metrics_;
  std::unique_ptr<State> state_;
  SkewChecks skew_;
};

}  // namespace vitrine::monitor
