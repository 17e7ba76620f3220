// OnlineMonitor's counters as reports and gauges.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "monitor/online_state.h"
#include "monitor/quality_row.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::monitor {
namespace {

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

JoinRow OfJoin(EventType type, const JoinCounts& c) {
  const std::uint64_t joined = c.by_request + c.by_subject;
  return {std::string(EventName(type)),
          c.events,
          c.by_request,
          c.by_subject,
          c.orphans,
          c.unshown,
          c.unjoined,
          Ratio(static_cast<double>(c.events - joined), static_cast<double>(c.events))};
}

}  // namespace

ServiceReport OnlineMonitor::Service() const {
  const std::scoped_lock lock(state_->mutex);
  ServiceReport report;
  report.since = state_->since;
  report.degraded = state_->degraded;
  report.fallbacks = {state_->fallbacks.begin(), state_->fallbacks.end()};
  report.failures = {state_->failures.begin(), state_->failures.end()};
  std::uint64_t fallbacks = 0;
  for (const auto& [key, counts] : state_->service) {
    const Histogram::View& seconds = counts.seconds.view();
    report.rows.push_back({.model = key.first,
                           .scene = key.second,
                           .answers = counts.answers,
                           .fallbacks = counts.fallbacks,
                           .mean_seconds = Ratio(seconds.sum, static_cast<double>(seconds.count)),
                           .p50_seconds = seconds.Quantile(0.5),
                           .p95_seconds = seconds.Quantile(0.95),
                           .p99_seconds = seconds.Quantile(0.99),
                           .p999_seconds = seconds.Quantile(0.999),
                           .latencies = seconds});
    report.answers += counts.answers;
    fallbacks += counts.fallbacks;
  }
  report.fallback_share =
      Ratio(static_cast<double>(fallbacks), static_cast<double>(report.answers));
  return report;
}

QualityReport OnlineMonitor::Quality() const {
  QualityReport report;
  {
    const std::scoped_lock lock(state_->mutex);
    report.since = state_->since;
  }
  const std::scoped_lock lock(state_->log_mutex);
  const Attribution& attribution = state_->attribution;
  report.counted = state_->watermark;
  report.hours_waiting = attribution.final_hours().size();
  report.hours_lost = attribution.lost_hours();
  report.waiting = attribution.waiting();
  report.forgotten = attribution.forgotten();
  for (const auto& [key, counts] : attribution.rows()) {
    report.rows.push_back(QualityRowOf(key, counts, attribution.options().ks));
  }
  report.ks = attribution.options().ks;
  report.estimates = attribution.estimates().Report();
  report.scores = attribution.estimates().Scores();
  report.business = attribution.outcomes().Report();
  for (const auto& [row, counts] : attribution.behaviour().totals()) {
    const std::size_t split = row.find('\n');
    report.behaviour.push_back({row.substr(0, split), row.substr(split + 1), counts});
  }
  std::sort(report.rows.begin(), report.rows.end(), [](const QualityRow& a, const QualityRow& b) {
    return std::pair(a.model, a.scene) < std::pair(b.model, b.scene);
  });
  for (std::size_t t = 0; t < attribution.joins().size(); ++t) {
    if (attribution.joins()[t].events > 0) {
      report.joins.push_back(OfJoin(static_cast<EventType>(t), attribution.joins()[t]));
    }
  }
  return report;
}

DataReport OnlineMonitor::Data() const {
  const std::scoped_lock lock(state_->mutex, state_->log_mutex);
  DataReport report;
  report.since = state_->since;
  report.counted = state_->watermark;
  report.duplicates = state_->duplicates;
  report.rejected = {state_->rejected.begin(), state_->rejected.end()};
  std::uint64_t rejected = 0;
  for (const auto& [code, rows] : state_->rejected) {
    rejected += rows;
  }
  for (std::size_t t = 0; t < state_->events.size(); ++t) {
    const State::EventCounts& c = state_->events[t];
    report.accepted += c.accepted;
    if (c.accepted > 0) {
      report.rows.push_back({std::string(EventName(static_cast<EventType>(t))), c.accepted,
                             c.without_request, c.anonymous, c.late});
    }
  }
  report.robots = state_->robot_events;
  report.feeds = state_->feeds.Rows();
  report.contract = state_->contract.Report();
  report.rejected_share =
      Ratio(static_cast<double>(rejected),
            static_cast<double>(rejected + report.accepted + report.duplicates));
  return report;
}

std::vector<std::pair<std::string, std::shared_ptr<OnlineMonitor::Model>>> OnlineMonitor::Watched()
    const {
  const std::scoped_lock lock(state_->models_mutex);
  return {state_->models.begin(), state_->models.end()};
}

DriftReport OnlineMonitor::Drift() const {
  DriftReport report;
  for (const auto& [name, model] : Watched()) {
    std::unique_lock lock(model->mutex);
    const FeatureWindow window =
        model->window;  // copied, so that statistics do not hold up serving
    const double shown = model->shown.Estimate();
    lock.unlock();
    DriftModel row = window.Report(options_.drift);
    row.model = name;
    row.coverage = std::min(1.0, Ratio(shown, static_cast<double>(model->vocabulary_size)));
    report.models.push_back(std::move(row));
  }
  return report;
}

std::vector<WindowRow> OnlineMonitor::Hours() const {
  std::vector<WindowRow> rows = FeatureHourRows();
  const std::scoped_lock lock(state_->log_mutex);
  const Attribution& attribution = state_->attribution;
  const auto quality = [&](const std::map<HourRow, QualityCounts>& hours, bool final) {
    for (const auto& [key, counts] : hours) {
      rows.push_back(
          {WindowKind::kQuality, key.first, key.second,
           QualityWindowText(counts, attribution.options().ks, attribution.estimates().Find(key),
                             attribution.behaviour().Find(key)),
           final});
    }
  };
  quality(attribution.final_hours(), true);
  quality(attribution.hours(), false);
  const auto service = [&](const std::map<ServiceHours::Key, AnswerCounts>& hours, bool final) {
    for (const auto& [key, counts] : hours) {
      rows.push_back(
          {WindowKind::kService, key.first, key.second, ServiceWindowText(counts), final});
    }
  };
  service(state_->service_hours.final_hours(), true);
  service(state_->service_hours.hours(), false);
  return rows;
}

std::vector<WindowRow> OnlineMonitor::FeatureHourRows() const {
  std::vector<WindowRow> rows;
  const Micros now = Now();
  for (const auto& [name, model] : Watched()) {
    std::unique_lock lock(model->mutex);
    const FeatureWindow window = model->window;  // copied, as for Drift
    lock.unlock();
    for (const FeatureWindow::KeptHour& hour : window.Hours(options_.drift, now)) {
      rows.push_back(
          {WindowKind::kDrift, hour.hour, name, FeatureHoursText(hour.counts), hour.final});
    }
  }
  return rows;
}

void OnlineMonitor::DropHours(std::span<const WindowRow> kept) {
  std::vector<HourRow> quality;
  std::vector<ServiceHours::Key> service;
  for (const WindowRow& row : kept) {
    if (row.final && row.kind == WindowKind::kQuality) {
      quality.emplace_back(row.hour, row.series);
    } else if (row.final && row.kind == WindowKind::kService) {
      service.emplace_back(row.hour, row.series);
    } else if (row.final && row.kind == WindowKind::kDrift) {
      if (const auto model = Find(row.series)) {
        const std::scoped_lock lock(model->mutex);
        model->window.DropHours(row.hour);
      }
    }
  }
  const std::scoped_lock lock(state_->log_mutex);
  state_->attribution.DropFinalHours(quality);
  state_->service_hours.DropFinalHours(service);
}

SkewReport OnlineMonitor::Skew() const { return skew_.Report(); }

void OnlineMonitor::Publish() {
  if (metrics_ == nullptr) {
    return;
  }
  const auto set = [this](const char* name, const char* help, const Labels& labels, double value) {
    metrics_->GetGauge(name, help, labels).Set(value);
  };
  const QualityReport quality = Quality();
  set("vitrine_monitor_hours_waiting", "Final rows of hours that are not kept yet.", {},
      static_cast<double>(quality.hours_waiting));
  for (const QualityRow& row : quality.rows) {
    const Labels labels = {{"model", row.model}, {"scene", row.scene}};
    set("vitrine_quality_ctr_ratio", "Clicked places of those shown.", labels, row.ctr);
    set("vitrine_quality_click_answers_ratio", "Answers with a click.", labels,
        row.click_rate.mean);
    set("vitrine_quality_purchase_answers_ratio", "Answers with a purchase.", labels,
        row.conversion_rate.mean);
    for (const LabelQuality& l : row.labels) {
      Labels of_label = labels;
      of_label.emplace_back("label", l.label);
      set("vitrine_quality_mrr_ratio",
          "Mean reciprocal place of the first item that something followed.", of_label, l.mrr);
      for (const auto& [k, value] : l.ndcg) {
        Labels more = labels;
        more.emplace_back("label", l.label);
        more.emplace_back("k", fmt::format("{}", k));
        set("vitrine_quality_ndcg_ratio", "NDCG of shown lists by what followed.", more, value);
        set("vitrine_quality_recall_ratio", "Recall of shown lists by what followed.", more,
            l.recall.at(k));
      }
    }
  }
  for (const DriftModel& model : Drift().models) {
    set("vitrine_drift_features", "Features that have drifted.", {{"model", model.model}},
        static_cast<double>(model.drifted));
    set("vitrine_catalogue_coverage_ratio", "Items shown of those that could be.",
        {{"model", model.model}}, model.coverage);
    for (const DriftSeries& s : model.series) {
      set("vitrine_drift_psi_ratio", "Population stability index against training.",
          {{"model", model.model}, {"feature", s.training.feature}}, s.training.psi);
    }
  }
  for (const SkewModel& model : Skew().models) {
    double values = 0;
    for (const SkewFeature& feature : model.features) {
      values += static_cast<double>(feature.values);
    }
    set("vitrine_skew_values", "Served feature values that were made again and compared.",
        {{"model", model.model}}, values);
    set("vitrine_skew_mismatches_ratio", "Share of them that differ.", {{"model", model.model}},
        model.mismatch_share);
  }
}

}  // namespace vitrine::monitor
