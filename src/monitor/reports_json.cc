#include "monitor/reports_json.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

std::string Text(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

json Of(const MetricValue& v) { return {{"mean", v.mean}, {"low", v.low}, {"high", v.high}}; }

json ByK(const std::map<int, double>& values) {
  json out = json::object();
  for (const auto& [k, value] : values) {
    out[std::to_string(k)] = value;
  }
  return out;
}

json Of(const LabelQuality& l) {
  return {{"label", l.label},   {"answers", l.answers},    {"places", l.places},
          {"missed", l.missed}, {"recall", ByK(l.recall)}, {"ndcg", ByK(l.ndcg)}};
}

json Of(const EstimatedFigure& f) {
  json out = Of(f.estimate);
  out["carried"] = f.carried ? json(*f.carried) : json(nullptr);
  if (f.came) {
    out["came"] = *f.came;
    out["error"] = f.estimate.mean - *f.came;
    out["covered"] = *f.came >= f.estimate.low && *f.came <= f.estimate.high;
  }
  return out;
}

json Of(const EstimateBesideLabels& e) {
  json ndcg = json::object();
  for (const auto& [k, figure] : e.ndcg) {
    ndcg[std::to_string(k)] = Of(figure);
  }
  return {
      {"label", e.label}, {"answers", e.answers}, {"ctr", Of(e.ctr)}, {"ndcg", std::move(ndcg)}};
}

json Of(const ScoreHour& h) {
  const auto per_place = [&](double sum) {
    return h.probabilities ? json(sum / h.places) : json();
  };
  return {
      {"places", h.places},
      {"clicked", h.clicked},
      {"auc", h.pairs > 0 ? json(h.wins / h.pairs) : json()},
      {"log_loss", per_place(h.log_loss)},
      {"expected_ctr", per_place(h.expected)},
      {"expected_ratio", h.probabilities && h.clicked > 0 ? json(h.expected / h.clicked) : json()}};
}

json Of(const ScoreFigures& f, bool probabilities) {
  const auto bounded = [](const BinnedValue& b) {
    return json({{"value", b.value}, {"error", b.error}});
  };
  const bool both = f.clicked > 0 && f.clicked < f.places;
  const auto known = [&](bool there, const json& value) { return there ? value : json(); };
  return {{"places", f.places},
          {"clicked", f.clicked},
          {"auc", known(both, bounded(f.auc))},
          {"log_loss", known(probabilities && f.places > 0, f.log_loss)},
          {"calibration_error", known(probabilities && f.places > 0, f.calibration_error)},
          {"accuracy", known(probabilities && f.places > 0, bounded(f.accuracy))},
          {"expected_ratio", known(probabilities && f.clicked > 0, f.expected_ratio)}};
}

json Of(const ScoreRow& row) {
  const ScoreReport& r = row.report;
  json out = Of(r.all, r.probabilities);
  out["model"] = row.model;
  out["scene"] = row.scene;
  out["probabilities"] = r.probabilities;
  out["expected_ratio"] = r.probabilities && r.all.clicked > 0 ? Of(r.expected_ratio) : json();
  json slices = json::array();
  for (std::size_t slice = 0; slice < kScoreSlices.size(); ++slice) {
    if (r.slices[slice].places > 0) {
      slices.push_back(Of(r.slices[slice], r.probabilities));
      slices.back()["slice"] = kScoreSlices[slice];
    }
  }
  out["slices"] = std::move(slices);
  return out;
}

json Of(const BehaviourCounts& c) {
  const auto mean = [](double sum, double n) { return n == 0 ? json() : json(sum / n); };
  return {{"places", c.places},
          {"novelty_bits", mean(c.novelty, c.places)},
          {"diversity", mean(c.diversity, c.lists)},
          {"category_known_share", mean(c.known, c.places)},
          {"head_share", mean(c.head, c.places)},
          {"gini", mean(c.gini, c.gini_places)},
          {"tied_share", mean(c.tied, c.places)},
          {"outside_share", mean(c.outside, c.scored)}};
}

json Of(const BehaviourRow& row) {
  json out = Of(row.counts);
  out["model"] = row.model;
  out["scene"] = row.scene;
  out.erase("gini");  // of hours only: items of all hours are not kept
  return out;
}

json Of(const BusinessRow& r) {
  const auto known = [](bool there, const MetricValue& value) {
    return there ? Of(value) : json();
  };
  json day1 = known(r.day1_of > 0, r.day1);
  json day7 = known(r.day7_of > 0, r.day7);
  return {{"model", r.model},
          {"scene", r.scene},
          {"visitors", r.visitors},
          {"sampled", r.sampled},
          {"revenue_per_visitor", known(r.sampled > 0, r.revenue)},
          {"revenue_cap", r.revenue_cap > 0 ? json(r.revenue_cap) : json()},
          {"orders", r.orders},
          {"order_value", known(r.orders > 0, r.order_value)},
          {"day1_of", r.day1_of},
          {"day1_return", std::move(day1)},
          {"day7_of", r.day7_of},
          {"day7_return", std::move(day7)},
          {"revenue_per_thousand", Of(r.revenue_per_thousand)},
          {"dwells", r.dwells},
          {"dwell_seconds", known(r.dwells > 0, r.dwell_seconds)}};
}

json Of(const EstimateTrack& t) {
  const auto mean = [](double sum, double n) { return n == 0 ? json(nullptr) : json(sum / n); };
  const auto root = [](double sum, double n) {
    return n == 0 ? json(nullptr) : json(std::sqrt(sum / n));
  };
  return {{"hours", t.hours},
          {"bias", mean(t.error, t.hours)},
          {"absolute_error", mean(t.absolute, t.hours)},
          {"root_mean_square_error", root(t.squares, t.hours)},
          {"coverage", mean(t.covered, t.hours)},
          {"carried_hours", t.carried_hours},
          {"carried_absolute_error", mean(t.carried_absolute, t.carried_hours)},
          {"carried_root_mean_square_error", root(t.carried_squares, t.carried_hours)}};
}

json Of(const EstimateRow& row, const std::vector<int>& ks) {
  const bool some = row.open.answers > 0;
  json ndcg = some ? json::object() : json(nullptr);
  json past = json::object();
  for (std::size_t k = 0; k < ks.size(); ++k) {
    const std::string name = std::to_string(ks[k]);
    if (some) {
      ndcg[name] = Of(EstimatedNdcg(row.open, k));
    }
    past[name] = Of(k < row.ndcg.size() ? row.ndcg[k] : EstimateTrack());
  }
  return {{"model", row.model},
          {"scene", row.scene},
          {"label", LabelName(row.label)},
          {"calibration", row.origin ? CalibrationOriginName(*row.origin) : "none"},
          {"before", row.before},
          {"from", some ? json(FormatIso({row.from * kMicrosPerHour})) : json(nullptr)},
          {"answers", row.open.answers},
          {"shown", row.open.shown},
          {"ctr", some ? Of(EstimatedCtr(row.open)) : json(nullptr)},
          {"ndcg", std::move(ndcg)},
          {"past", {{"ctr", Of(row.ctr)}, {"ndcg", std::move(past)}}}};
}

json Of(const ServiceRow& r) {
  return {{"model", r.model},
          {"scene", r.scene},
          {"answers", r.answers},
          {"fallbacks", r.fallbacks},
          {"mean_seconds", r.mean_seconds},
          {"p50_seconds", r.p50_seconds},
          {"p95_seconds", r.p95_seconds},
          {"p99_seconds", r.p99_seconds},
          {"p999_seconds", r.p999_seconds}};
}

json Of(const QualityRow& r) {
  json labels = json::array();
  for (const LabelQuality& l : r.labels) {
    labels.push_back(Of(l));
  }
  json estimates = json::array();
  for (const EstimateBesideLabels& e : r.estimates) {
    estimates.push_back(Of(e));
  }
  return {{"model", r.model},
          {"scene", r.scene},
          {"answers", r.answers},
          {"mature", r.mature},
          {"shown", r.shown},
          {"clicks", r.clicks},
          {"ctr", r.ctr},
          {"click_rate", Of(r.click_rate)},
          {"conversion_rate", Of(r.conversion_rate)},
          {"more_clicks_than_shown", r.more_clicks_than_shown},
          {"labels", std::move(labels)},
          {"estimates", std::move(estimates)},
          {"scores", r.scores ? Of(*r.scores) : json()},
          {"behaviour", r.behaviour ? Of(*r.behaviour) : json()}};
}

json Of(const JoinRow& r) {
  return {{"event", r.event},           {"events", r.events},
          {"by_request", r.by_request}, {"by_subject", r.by_subject},
          {"orphans", r.orphans},       {"unshown", r.unshown},
          {"unjoined", r.unjoined},     {"unjoined_share", r.unjoined_share}};
}

json Of(const DriftVerdict& v) {
  return {{"feature", v.feature},
          {"psi", v.psi},
          {"corrected_psi", v.corrected_psi},
          {"js_distance", v.js_distance},
          {"ks", v.ks},
          {"p_value", v.p_value},
          {"alpha", v.alpha},
          {"bins", v.bins},
          {"reference_rows", v.reference_rows},
          {"current_rows", v.current_rows},
          {"judged", v.judged},
          {"drifted", v.drifted},
          {"strong", v.strong}};
}

json Of(const DriftModel& m) {
  json series = json::array();
  for (const DriftSeries& s : m.series) {
    series.push_back({{"feature", s.training.feature},
                      {"drifted", s.drifted},
                      {"training", Of(s.training)},
                      {"baseline", s.baseline ? Of(*s.baseline) : json(nullptr)}});
  }
  return {{"model", m.model},
          {"requests", m.requests},
          {"window_requests", m.window_requests},
          {"looks", m.looks},
          {"baseline_ready", m.baseline_ready},
          {"coverage", m.coverage},
          {"judged", m.judged},
          {"drifted", m.drifted},
          {"series", std::move(series)}};
}

/// The hour that was written last: most features of a row have the same.
struct WrittenHour {
  std::int64_t hour = -1;
  std::string text;
};

// Straight, since a month of a version is tens of thousands of them.
void Append(const FeaturePoint& f, WrittenHour& written, std::string& text) {
  const auto out = std::back_inserter(text);
  text += R"({"feature":)";
  text += Text(f.feature);
  fmt::format_to(out, FMT_COMPILE(R"(,"judged":{},"against":"{}")"), f.judged,
                 f.against_baseline ? "baseline" : "training");
  if (f.judged) {
    fmt::format_to(
        out,
        FMT_COMPILE(R"(,"psi":{:.6g},"effect":{:.6g},"p_value":{:.6g},"largest_effect":{:.6g})"),
        f.psi, f.effect, f.p_value, f.largest_effect);
    if (written.hour != f.largest_at) {
      written = {f.largest_at, FormatIso({f.largest_at * kMicrosPerHour})};
    }
    fmt::format_to(out, FMT_COMPILE(R"(,"largest_at":"{}")"), written.text);
  }
  if (!f.counts.empty()) {
    fmt::format_to(out, R"(,"counts":[{}])", fmt::join(f.counts, ","));
  }
  text += '}';
}

void Append(const FeatureRow& row, std::string& text) {
  fmt::format_to(std::back_inserter(text), R"({{"model":{},"requests":{},"features":[)",
                 Text(row.model), row.requests);
  WrittenHour written;
  for (const FeaturePoint& feature : row.features) {
    text += &feature == row.features.data() ? "" : ",";
    Append(feature, written, text);
  }
  text += "]}";
}

template <typename Row>
std::string OfPoints(const std::vector<HistoryPoint<Row>>& points) {
  json out = json::array();
  for (const HistoryPoint<Row>& point : points) {
    json rows = json::array();
    for (const Row& row : point.rows) {
      rows.push_back(Of(row));
    }
    out.push_back({{"from", FormatIso({point.hour * kMicrosPerHour})},
                   {"final", point.final},
                   {"rows", std::move(rows)}});
  }
  return Text({{"points", std::move(out)}});
}

}  // namespace

std::string ToJson(const ServiceReport& report) {
  json rows = json::array();
  for (const ServiceRow& r : report.rows) {
    rows.push_back(Of(r));
  }
  return Text({{"since", FormatIso(report.since)},
               {"answers", report.answers},
               {"fallback_share", report.fallback_share},
               {"fallbacks", report.fallbacks},
               {"failures", report.failures},
               {"rows", std::move(rows)}});
}

std::string ToJson(const QualityReport& report) {
  json rows = json::array();
  for (const QualityRow& r : report.rows) {
    rows.push_back(Of(r));
  }
  json joins = json::array();
  for (const JoinRow& r : report.joins) {
    joins.push_back(Of(r));
  }
  json estimates = json::array();
  for (const EstimateRow& row : report.estimates) {
    estimates.push_back(Of(row, report.ks));
  }
  json business = json::array();
  for (const BusinessRow& row : report.business) {
    business.push_back(Of(row));
  }
  json behaviour = json::array();
  for (const BehaviourRow& row : report.behaviour) {
    behaviour.push_back(Of(row));
  }
  json scores = json::array();
  for (const ScoreRow& row : report.scores) {
    if (row.report.all.places > 0) {
      scores.push_back(Of(row));
    }
  }
  return Text({{"since", FormatIso(report.since)},
               {"counted", report.counted},
               {"behind", report.behind},
               {"hours_waiting", report.hours_waiting},
               {"hours_lost", report.hours_lost},
               {"waiting", report.waiting},
               {"forgotten", report.forgotten},
               {"rows", std::move(rows)},
               {"estimates", std::move(estimates)},
               {"scores", std::move(scores)},
               {"business", std::move(business)},
               {"behaviour", std::move(behaviour)},
               {"joins", std::move(joins)}});
}

std::string ToJson(const DataReport& report) {
  json rows = json::array();
  for (const DataRow& r : report.rows) {
    rows.push_back({{"event", r.event},
                    {"accepted", r.accepted},
                    {"without_request", r.without_request},
                    {"anonymous", r.anonymous},
                    {"late", r.late}});
  }
  return Text({{"since", FormatIso(report.since)},
               {"accepted", report.accepted},
               {"duplicates", report.duplicates},
               {"rejected", report.rejected},
               {"rejected_share", report.rejected_share},
               {"rows", std::move(rows)}});
}

std::string ToJson(const DriftReport& report) {
  json models = json::array();
  for (const DriftModel& m : report.models) {
    models.push_back(Of(m));
  }
  return Text({{"models", std::move(models)}});
}

std::string ToJson(const SkewReport& report) {
  json models = json::array();
  for (const SkewModel& m : report.models) {
    json features = json::array();
    for (const SkewFeature& f : m.features) {
      features.push_back({{"feature", f.feature},
                          {"values", f.values},
                          {"mismatches", f.mismatches},
                          {"example", f.example}});
    }
    models.push_back({{"model", m.model},
                      {"checks", m.checks},
                      {"failures", m.failures},
                      {"mismatch_share", m.mismatch_share},
                      {"features", std::move(features)}});
  }
  return Text({{"models", std::move(models)}});
}

std::string ToJson(const DriftVerdict& verdict) { return Text(Of(verdict)); }

std::string ToJson(const std::vector<HistoryPoint<ServiceRow>>& points) { return OfPoints(points); }

std::string ToJson(const std::vector<HistoryPoint<QualityRow>>& points) { return OfPoints(points); }

std::string ToJson(const std::vector<HistoryPoint<FeatureRow>>& points) {
  std::string text = R"({"points":[)";
  for (const HistoryPoint<FeatureRow>& point : points) {
    fmt::format_to(std::back_inserter(text), R"({}{{"from":"{}","final":{},"rows":[)",
                   &point == points.data() ? "" : ",", FormatIso({point.hour * kMicrosPerHour}),
                   point.final);
    for (const FeatureRow& row : point.rows) {
      text += &row == point.rows.data() ? "" : ",";
      Append(row, text);
    }
    text += "]}";
  }
  return text + "]}";
}

}  // namespace vitrine::monitor
