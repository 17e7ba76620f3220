#include "monitor/quality_json.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "monitor/json_text.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json Of(const MetricValue& v) { return {{"mean", v.mean}, {"low", v.low}, {"high", v.high}}; }

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

void Write(const LabelQuality& l, JsonText& out) {
  const auto by_k = [&](const char* name, const std::map<int, double>& values) {
    out.Begin('{', name);
    for (const auto& [k, value] : values) {
      out.Value(std::to_string(k), value);
    }
    out.End('}');
  };
  out.Begin('{');
  out.Value("label", l.label);
  out.Value("answers", l.answers);
  out.Value("places", l.places);
  out.Value("missed", l.missed);
  out.Value("mrr", l.mrr);
  by_k("recall", l.recall);
  by_k("ndcg", l.ndcg);
  out.End('}');
}

void Write(std::string_view name, const EstimatedFigure& f, JsonText& out) {
  out.Begin('{', name);
  out.Fields(f.estimate);
  out.Value("carried", f.carried);
  if (f.came) {
    out.Value("came", *f.came);
    out.Value("error", f.estimate.mean - *f.came);
    out.Value("covered", *f.came >= f.estimate.low && *f.came <= f.estimate.high);
  }
  out.End('}');
}

void Write(const EstimateBesideLabels& e, JsonText& out) {
  out.Begin('{');
  out.Value("label", e.label);
  out.Value("answers", e.answers);
  Write("ctr", e.ctr, out);
  out.Begin('{', "ndcg");
  for (const auto& [k, figure] : e.ndcg) {
    Write(std::to_string(k), figure, out);
  }
  out.End('}');
  out.End('}');
}

}  // namespace

json ToJsonValue(const ScoreRow& row) {
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

json ToJsonValue(const BehaviourRow& row) {
  json out = Of(row.counts);
  out["model"] = row.model;
  out["scene"] = row.scene;
  out.erase("gini");  // of hours only: items of all hours are not kept
  return out;
}

json ToJsonValue(const BusinessRow& r) {
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

json ToJsonValue(const EstimateRow& row, const std::vector<int>& ks) {
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

void AppendJson(const QualityRow& row, std::string& text) {
  JsonText out(text);
  out.Begin('{');
  out.Value("model", row.model);
  out.Value("scene", row.scene);
  out.Value("answers", row.answers);
  out.Value("mature", row.mature);
  out.Value("shown", row.shown);
  out.Value("clicks", row.clicks);
  out.Value("ctr", row.ctr);
  out.Value("click_rate", row.click_rate);
  out.Value("conversion_rate", row.conversion_rate);
  out.Value("more_clicks_than_shown", row.more_clicks_than_shown);
  out.Begin('[', "labels");
  for (const LabelQuality& label : row.labels) {
    Write(label, out);
  }
  out.End(']');
  out.Begin('[', "estimates");
  for (const EstimateBesideLabels& estimate : row.estimates) {
    Write(estimate, out);
  }
  out.End(']');
  out.Raw("scores", row.scores ? Of(*row.scores).dump() : "null");
  out.Raw("behaviour", row.behaviour ? Of(*row.behaviour).dump() : "null");
  out.End('}');
}

}  // namespace vitrine::monitor
