#include "monitor/signals_from_reports.h"

#include <algorithm>

namespace vitrine::monitor {
namespace {

/// More self-information than any counted item has.
constexpr double kMostBits = 64;

/// Beginnings of a window that are kept.
constexpr std::int64_t kMostKept = 60;

double Number(std::uint64_t count) { return static_cast<double>(count); }

Labels ModelAndScene(const std::string& model, const std::string& scene) {
  return {{"model", model}, {"scene", scene}};
}

std::int64_t MicrosOf(std::chrono::minutes time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

/// Places that were clicked: of the label's counts, since the ratio alone has no difference.
double ClickedPlaces(const QualityRow& row) {
  for (const LabelQuality& label : row.labels) {
    if (label.label == "click") {
      return Number(label.places);
    }
  }
  return 0;
}

void AddDrift(const DriftReport& drift, std::vector<Signal>& out) {
  for (const DriftModel& model : drift.models) {
    for (const DriftSeries& series : model.series) {
      const Labels labels = {{"model", model.model}, {"feature", series.training.feature}};
      const double rows = Number(model.window_requests);
      out.push_back({"drift.drifted", labels, series.drifted ? 1.0 : 0.0, rows});
      if (series.training.judged) {
        out.push_back({"drift.training_psi", labels, series.training.corrected_psi, rows});
      }
      if (series.baseline.has_value() && series.baseline->judged) {
        out.push_back({"drift.baseline_psi", labels, series.baseline->corrected_psi, rows});
      }
    }
  }
}

}  // namespace

SignalsFromReports::Totals SignalsFromReports::ServedTotals(const ReportSet& reports, Micros now) {
  Totals totals{.at = now, .shares = {}, .latencies = {}, .failures = {}, .lags = {}};
  auto& shares = totals.shares;
  for (const ServiceRow& row : reports.service.rows) {
    totals.latencies[ModelAndScene(row.model, row.scene)] = row.latencies;
  }
  for (const auto& [model, failures] : reports.service.failures) {
    totals.failures[{{"model", model}}] = Number(failures);
  }
  shares[{"service.degraded_share", {}}] = {Number(reports.service.degraded),
                                            Number(reports.service.answers)};
  for (const SkewModel& model : reports.skew.models) {
    Part& part = shares[{"skew.mismatch_share", {{"model", model.model}}}];
    for (const SkewFeature& feature : model.features) {
      part.part += Number(feature.mismatches);
      part.whole += Number(feature.values);
    }
  }
  return totals;
}

SignalsFromReports::Totals SignalsFromReports::QualityTotals(const ReportSet& reports, Micros now) {
  Totals totals{.at = now, .shares = {}, .latencies = {}, .failures = {}, .lags = {}};
  auto& shares = totals.shares;
  for (const QualityRow& row : reports.quality.rows) {
    Part& scene = shares[{"quality.scene_ctr", {{"scene", row.scene}}}];
    scene.part += ClickedPlaces(row);
    scene.whole += Number(row.shown);
    if (row.model.empty()) {
      continue;  // popular items, to those of whom nothing is known: nobody's fault, and few
    }
    const Labels labels = ModelAndScene(row.model, row.scene);
    shares[{"quality.ctr", labels}] = {ClickedPlaces(row), Number(row.shown)};
    shares[{"quality.conversion", labels}] = {row.conversion_rate.mean * Number(row.answers),
                                              Number(row.answers)};
  }
  for (const EstimateRow& row : reports.quality.estimates) {
    if (row.label == Label::kClick && !row.model.empty()) {
      shares[{"quality.estimated_ctr", ModelAndScene(row.model, row.scene)}] = {row.labelled_ever,
                                                                                row.shown_ever};
    }
  }
  for (const BehaviourRow& row : reports.quality.behaviour) {
    const Labels labels = ModelAndScene(row.model, row.scene);
    const BehaviourCounts& c = row.counts;
    shares[{"quality.novelty", labels}] = {c.novelty, c.places, kMostBits};
    shares[{"quality.diversity", labels}] = {c.diversity, c.lists};
    shares[{"quality.head_share", labels}] = {c.head, c.places};
    shares[{"quality.tied_share", labels}] = {c.tied, c.places};
    shares[{"quality.outside_share", labels}] = {c.outside, c.scored};
  }
  for (const JoinRow& row : reports.quality.joins) {
    shares[{"quality.unjoined_share", {{"event", row.event}}}] = {
        Number(row.orphans + row.unshown + row.unjoined), Number(row.events)};
  }
  return totals;
}

SignalsFromReports::Totals SignalsFromReports::DataTotals(const ReportSet& reports, Micros now) {
  Totals totals{.at = now, .shares = {}, .latencies = {}, .failures = {}, .lags = {}};
  auto& shares = totals.shares;
  const DataReport& data = reports.data;
  std::uint64_t rejected = 0;
  for (const auto& [code, rows] : data.rejected) {
    rejected += rows;
  }
  const double came = Number(data.accepted + data.duplicates + rejected);
  shares[{"data.duplicate_share", {}}] = {Number(data.duplicates), came};
  shares[{"data.rejected_share", {}}] = {Number(rejected), came};
  shares[{"data.robot_share", {}}] = {Number(data.robots), Number(data.accepted)};
  for (const FeedRow& feed : data.feeds) {
    const Labels labels = {{"feed", feed.feed}};
    shares[{"data.future_share", labels}] = {Number(feed.future), Number(feed.events)};
    totals.lags[labels] = feed.lags;
  }
  for (const DataRow& row : data.rows) {
    shares[{"data.late_share", {{"event", row.event}}}] = {Number(row.late), Number(row.accepted)};
  }
  return totals;
}

namespace {

/// What `now` counts that `then` did not yet; everything where that was of other bounds, or begun anew.
Histogram::View Since(const std::map<Labels, Histogram::View>& then, const Labels& labels,
                      const Histogram::View& now) {
  Histogram::View recent = now;
  const auto found = then.find(labels);
  if (found != then.end() && found->second.counts.size() == recent.counts.size() &&
      found->second.count <= recent.count) {
    for (std::size_t i = 0; i < recent.counts.size(); ++i) {
      recent.counts[i] -= std::min(found->second.counts[i], recent.counts[i]);
    }
    recent.count -= found->second.count;
    recent.sum -= found->second.sum;
  }
  return recent;
}

void AddContract(const ContractReport& contract, std::vector<Signal>& out) {
  for (const RuleState& state : contract.states) {
    out.push_back({"data.contract_broken",
                   {{"rule", state.rule}, {"says", state.wrong ? "wrong" : "changed"}},
                   state.broken ? 1.0 : 0.0,
                   state.rows});
  }
}

}  // namespace

void SignalsFromReports::AddDifferences(const Totals& before, const Totals& after,
                                        std::vector<Signal>& out) {
  for (const auto& [series, now] : after.shares) {
    const auto found = before.shares.find(series);
    const Part then = found == before.shares.end() ? Part() : found->second;
    const double rows = now.whole - then.whole;
    if (rows > 0) {
      const double part = std::clamp(now.part - then.part, 0.0, rows * now.most);
      out.push_back({series.first, series.second, part / rows, rows});
    }
  }
  for (const auto& [labels, now] : after.latencies) {
    const Histogram::View recent = Since(before.latencies, labels, now);
    if (recent.count > 0) {
      const double rows = Number(recent.count);
      out.push_back({"service.p50_seconds", labels, recent.Quantile(0.5), rows});
      out.push_back({"service.p95_seconds", labels, recent.Quantile(0.95), rows});
      out.push_back({"service.p99_seconds", labels, recent.Quantile(0.99), rows});
    }
  }
  for (const auto& [labels, now] : after.lags) {
    const Histogram::View recent = Since(before.lags, labels, now);
    if (recent.count > 0) {
      out.push_back({"data.lag_p95_seconds", labels, recent.Quantile(0.95), Number(recent.count)});
    }
  }
  for (const auto& [labels, now] : after.failures) {
    const auto found = before.failures.find(labels);
    const double failures = now - (found == before.failures.end() ? 0 : found->second);
    out.push_back({"service.failures", labels, std::max(0.0, failures), std::max(0.0, failures)});
  }
}

// Seen from here: an event is as old as the look that found it, and after a start the clock begins anew.
void SignalsFromReports::AddSilence(const DataReport& data, Micros now, std::vector<Signal>& out) {
  if (data.accepted > 0 && (!last_event_.has_value() || data.accepted != accepted_)) {
    accepted_ = data.accepted;
    last_event_ = now;
  }
  if (last_event_.has_value()) {
    const double seconds =
        static_cast<double>(now.value - last_event_->value) / static_cast<double>(kMicrosPerSecond);
    out.push_back({"data.silence_seconds", {}, std::max(0.0, seconds), Number(accepted_)});
  }
}

void SignalsFromReports::AddRecent(std::deque<Totals>& kept, Totals totals,
                                   std::chrono::minutes window, std::vector<Signal>& out) {
  const std::int64_t from = totals.at.value - MicrosOf(window);
  while (kept.size() > 1 && kept[1].at.value <= from) {
    kept.pop_front();
  }
  if (!kept.empty()) {
    AddDifferences(kept.front(), totals, out);
  }
  // Of a long window with many looks, one in so many is enough to begin from.
  if (kept.empty() || (totals.at.value - kept.back().at.value) * kMostKept >= MicrosOf(window)) {
    kept.push_back(std::move(totals));
  }
}

// Everything that was in the log when the window began must be counted; at the first look, all of it.
bool SignalsFromReports::CaughtUp(const QualityReport& quality, Micros now) {
  const std::int64_t from = now.value - MicrosOf(window_);
  while (log_ends_.size() > 1 && log_ends_[1].first.value <= from) {
    log_ends_.pop_front();
  }
  const std::uint64_t end = quality.counted + quality.behind;
  const std::uint64_t wanted = log_ends_.empty() ? end : log_ends_.front().second;
  log_ends_.emplace_back(now, end);
  return quality.counted >= wanted;
}

std::vector<Signal> SignalsFromReports::operator()(Micros now) {
  const ReportSet reports = reports_();
  std::vector<Signal> out;
  AddRecent(served_, ServedTotals(reports, now), window_, out);
  if (CaughtUp(reports.quality, now)) {
    AddRecent(quality_, QualityTotals(reports, now), quality_window_, out);
    AddRecent(data_, DataTotals(reports, now), window_, out);
    AddSilence(reports.data, now, out);
    AddContract(reports.data.contract, out);
  } else {
    quality_.clear();
    data_.clear();
  }
  AddDrift(reports.drift, out);
  for (const auto& [model, open] : reports.breaker_open) {
    out.push_back({"service.breaker_open", {{"model", model}}, open ? 1.0 : 0.0, 1});
  }
  for (const auto& [model, look] : reports.explanations) {
    out.push_back({"model.explanation_ndcg", {{"model", model}}, look.ndcg, Number(look.answers)});
  }
  return out;
}

}  // namespace vitrine::monitor
