/// Signals for alert rules, from what the online monitor counted since it began: the counts of the last minutes are the
/// difference of two reports. Drift and skew reports hold windows of their own and are taken as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/metrics.h"
#include "core/time.h"
#include "monitor/alerts/signal.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

struct ReportSet {
  ServiceReport service;
  QualityReport quality;
  DataReport data;
  DriftReport drift;
  SkewReport skew;
  /// Rankers of other servers: whether each is not asked for the moment, because it failed too often.
  std::map<std::string, bool> breaker_open;
  /// How well what live answers of a version rest on agrees with its report, of the newest look.
  struct ExplanationLook {
    double ndcg = 1;
    std::uint64_t answers = 0;
  };
  std::map<std::string, ExplanationLook> explanations;
};

/// A SignalSource.
/// Threads: one caller at a time.
class SignalsFromReports {
 public:
  using Reports = std::function<ReportSet()>;
  /// Clicks and purchases are counted over `quality_window`, everything else over `window`.
  explicit SignalsFromReports(Reports reports,
                              std::chrono::minutes quality_window = std::chrono::minutes(60),
                              std::chrono::minutes window = std::chrono::minutes(5))
      : reports_(std::move(reports)), quality_window_(quality_window), window_(window) {}

  /// What is counted says nothing at the first call: there is nothing to take the difference with. What is counted
  /// from the log says nothing either while the counting is further behind than the window reaches back (after an
  /// upgrade, or where its state was lost): the differences would be those of weeks. They begin anew when it is there.
  std::vector<Signal> operator()(Micros now);

 private:
  using Series = std::pair<std::string, Labels>;  ///< name, labels
  struct Part {
    double part = 0;
    double whole = 0;
    double most = 1;  ///< of a part of one
  };
  /// Everything that only grows.
  struct Totals {
    Micros at;
    std::map<Series, Part> shares;
    std::map<Labels, Histogram::View> latencies;
    std::map<Labels, double> failures;
    std::map<Labels, Histogram::View> lags;  ///< by feed
  };
  static Totals ServedTotals(const ReportSet& reports, Micros now);
  static Totals QualityTotals(const ReportSet& reports, Micros now);
  static Totals DataTotals(const ReportSet& reports, Micros now);
  static void AddDifferences(const Totals& before, const Totals& after, std::vector<Signal>& out);
  static void AddRecent(std::deque<Totals>& kept, Totals totals, std::chrono::minutes window,
                        std::vector<Signal>& out);
  bool CaughtUp(const QualityReport& quality, Micros now);
  void AddSilence(const DataReport& data, Micros now, std::vector<Signal>& out);

  Reports reports_;
  std::chrono::minutes quality_window_;
  std::chrono::minutes window_;
  // Oldest first.
  std::deque<Totals> served_;
  std::deque<Totals> quality_;  // from the log, as those below
  std::deque<Totals> data_;
  std::deque<std::pair<Micros, std::uint64_t>> log_ends_;  // its last sequence, look by look
  std::uint64_t accepted_ = 0;
  std::optional<Micros> last_event_;  // when `accepted` was seen to grow; none: never an event
};

}  // namespace vitrine::monitor
