// OnlineMonitor's counters as reports and gauges.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "monitor/online_state.h"

namespace vitrine::monitor {
namespace {

double Ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }

/// Wilson's 95 % interval of a share.   Source: Wilson 1927
MetricValue Wilson(std::uint64_t hits, std::uint64_t n) {
  if (n == 0) {
    return {};
  }
  constexpr double kZ = 1.959963984540054;
  const auto all = static_cast<double>(n);
  const double p = static_cast<double>(hits) / all;
  const double centre = p + kZ * kZ / (2 * all);
  const double spread = kZ * std::sqrt(p * (1 - p) / all + kZ * kZ / (4 * all * all));
  const double scale = 1 + kZ * kZ / all;
  return {p, std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

LabelQuality OfLabel(Label which, const QualityCounts::OfLabel& counts,
                     const std::vector<int>& ks) {
  LabelQuality quality;
  quality.label = LabelName(which);
  quality.answers = counts.answers;
  quality.places = counts.places;
  quality.missed = counts.missed;
  for (std::size_t i = 0; i < ks.size() && i < counts.recall.size(); ++i) {
    quality.recall[ks[i]] = Ratio(counts.recall[i], static_cast<double>(counts.answers));
    quality.ndcg[ks[i]] = Ratio(counts.ndcg[i], static_cast<double>(counts.answers));
  }
  return quality;
}

QualityRow OfRow(const std::string& key, const QualityCounts& counts, const std::vector<int>& ks) {
  QualityRow row;
  const std::size_t split = key.find('\n');
  row.model = key.substr(0, split);
  row.scene = key.substr(split + 1);
  row.answers = counts.answers;
  row.mature = counts.mature;
  row.shown = counts.shown;
  row.clicks = counts.clicks;
  const auto& click = counts.labels[static_cast<std::size_t>(Label::kClick)];
  const auto& purchase = counts.labels[static_cast<std::size_t>(Label::kPurchase)];
  row.ctr = Ratio(static_cast<double>(click.places), static_cast<double>(counts.shown));
  row.click_rate = Wilson(click.hit_answers, counts.answers);
  row.conversion_rate = Wilson(purchase.hit_answers, counts.answers);
  row.more_clicks_than_shown = counts.clicks > counts.shown;
  row.labels.push_back(OfLabel(Label::kClick, click, ks));
  row.labels.push_back(OfLabel(Label::kPurchase, purchase, ks));
  return row;
}

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
  report.fallbacks = {state_->fallbacks.begin(), state_->fallbacks.end()};
  report.failures = {state_->failures.begin(), state_->failures.end()};
  std::uint64_t fallbacks = 0;
  for (const auto& [key, counts] : state_->service) {
    const Histogram::View& seconds = counts.seconds.view();
    report.rows.push_back({key.first, key.second, counts.answers, counts.fallbacks,
                           Ratio(seconds.sum, static_cast<double>(seconds.count)),
                           seconds.Quantile(0.5), seconds.Quantile(0.95), seconds.Quantile(0.99)});
    report.answers += counts.answers;
    fallbacks += counts.fallbacks;
  }
  report.fallback_share =
      Ratio(static_cast<double>(fallbacks), static_cast<double>(report.answers));
  return report;
}

QualityReport OnlineMonitor::Quality() const {
  const std::scoped_lock lock(state_->mutex);
  const Attribution& attribution = state_->attribution;
  QualityReport report;
  report.since = state_->since;
  report.waiting = attribution.waiting();
  report.forgotten = attribution.forgotten();
  for (const auto& [key, counts] : attribution.rows()) {
    report.rows.push_back(OfRow(key, counts, attribution.options().ks));
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
  const std::scoped_lock lock(state_->mutex);
  DataReport report;
  report.since = state_->since;
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
  report.rejected_share =
      Ratio(static_cast<double>(rejected),
            static_cast<double>(rejected + report.accepted + report.duplicates));
  return report;
}

DriftReport OnlineMonitor::Drift() const {
  std::map<std::string, std::shared_ptr<Model>, std::less<>> models;
  {
    const std::scoped_lock lock(state_->models_mutex);
    models = state_->models;
  }
  DriftReport report;
  for (const auto& [name, model] : models) {
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

SkewReport OnlineMonitor::Skew() const { return skew_.Report(); }

void OnlineMonitor::Publish() {
  if (metrics_ == nullptr) {
    return;
  }
  const auto set = [this](const char* name, const char* help, const Labels& labels, double value) {
    metrics_->GetGauge(name, help, labels).Set(value);
  };
  for (const QualityRow& row : Quality().rows) {
    const Labels labels = {{"model", row.model}, {"scene", row.scene}};
    set("vitrine_quality_ctr_ratio", "Clicked places of those shown.", labels, row.ctr);
    set("vitrine_quality_click_answers_ratio", "Answers with a click.", labels,
        row.click_rate.mean);
    set("vitrine_quality_purchase_answers_ratio", "Answers with a purchase.", labels,
        row.conversion_rate.mean);
    for (const LabelQuality& l : row.labels) {
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
