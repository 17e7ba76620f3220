#include "monitor/reports_json.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "monitor/contract/contract_json.h"
#include "monitor/json_text.h"
#include "monitor/quality_json.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

std::string Text(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

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

json Of(const TensorLoad& l) {
  return {{"model", l.model},
          {"requests", l.requests},
          {"runs", l.runs},
          {"rows_per_run", l.rows_per_run},
          {"queue_seconds", l.queue_seconds},
          {"run_seconds", l.run_seconds},
          {"cache_hits", l.cache_hits},
          {"cache_misses", l.cache_misses}};
}

json Of(const ServiceLoad& l) {
  const auto known = [](const std::optional<double>& v) { return v ? json(*v) : json(); };
  json tensors = json::array();
  for (const TensorLoad& row : l.tensors) {
    tensors.push_back(Of(row));
  }
  return {{"stages",
           {{"features_seconds", known(l.features_seconds)},
            {"graph_seconds", known(l.graph_seconds)},
            {"rest_seconds", known(l.rest_seconds)}}},
          {"cpu_share", known(l.cpu_share)},
          {"answers_per_second", known(l.answers_per_second)},
          {"lists", {{"ready", l.lists_ready}, {"asked", l.lists_asked}}},
          {"tensors", std::move(tensors)}};
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

// Straight, since a month of a version is tens of thousands of them. So many digits as are kept of an hour.
void Append(const FeaturePoint& f, std::int64_t hour, std::string& text) {
  const auto out = std::back_inserter(text);
  text += R"({"feature":)";
  AppendQuoted(f.feature, text);
  fmt::format_to(out, FMT_COMPILE(R"(,"judged":{},"against":"{}")"), f.judged,
                 f.against_baseline ? "baseline" : "training");
  if (f.judged) {
    fmt::format_to(out, FMT_COMPILE(R"(,"psi":{:.4g},"effect":{:.4g},"p_value":{:.3g})"), f.psi,
                   f.effect, f.p_value);
    if (f.largest_at != hour || f.largest_effect != f.effect) {
      fmt::format_to(out, FMT_COMPILE(R"(,"largest_effect":{:.4g},"largest_at":"{}")"),
                     f.largest_effect, FormatIso({f.largest_at * kMicrosPerHour}));
    }
  }
  if (!f.counts.empty()) {
    fmt::format_to(out, R"(,"counts":[{}])", fmt::join(f.counts, ","));
  }
  text += '}';
}

void Append(const FeatureRow& row, std::int64_t hour, std::string& text) {
  fmt::format_to(std::back_inserter(text), R"({{"model":{},"requests":{},"features":[)",
                 Text(row.model), row.requests);
  for (const FeaturePoint& feature : row.features) {
    text += &feature == row.features.data() ? "" : ",";
    Append(feature, hour, text);
  }
  text += "]}";
}

json Of(const FeedRow& feed) {
  return {{"feed", feed.feed},
          {"events", feed.events},
          {"duplicates", feed.duplicates},
          {"future", feed.future},
          {"ahead_seconds", feed.ahead_seconds},
          {"lag_p50_seconds", feed.lags.Quantile(0.5)},
          {"lag_p95_seconds", feed.lags.Quantile(0.95)},
          {"lag_p99_seconds", feed.lags.Quantile(0.99)},
          {"newest", FormatIso(feed.newest)},
          {"arrived", FormatIso(feed.arrived)}};
}

json Of(const ContractReport& contract) {
  const auto time = [](Micros at) { return at.value == 0 ? json(nullptr) : json(FormatIso(at)); };
  json findings = json::array();
  for (const ContractFinding& finding : contract.findings) {
    findings.push_back(json(ToJson(finding)));
  }
  std::uint64_t broken = 0;
  for (const RuleState& state : contract.states) {
    broken += state.broken ? 1 : 0;
  }
  return {{"version", contract.version},
          {"rules", contract.rules},
          {"judged", contract.states.size()},
          {"broken", broken},
          {"hour", time(contract.hour)},
          {"looks", contract.looks},
          {"judged_hour", time(contract.judged_hour)},
          {"judged_day", time(contract.judged_day)},
          {"findings", std::move(findings)}};
}

void AppendRow(const ServiceRow& row, std::string& text) { text += Text(Of(row)); }
void AppendRow(const QualityRow& row, std::string& text) { AppendJson(row, text); }

template <typename Row>
void AppendRows(const std::vector<Row>& rows, std::string& text) {
  text += '[';
  for (const Row& row : rows) {
    text += &row == rows.data() ? "" : ",";
    AppendRow(row, text);
  }
  text += ']';
}

template <typename Row>
std::string OfPoints(const std::vector<HistoryPoint<Row>>& points) {
  std::string text = R"({"points":[)";
  for (const HistoryPoint<Row>& point : points) {
    text += &point == points.data() ? "" : ",";
    fmt::format_to(std::back_inserter(text), R"({{"from":"{}","final":{},"rows":)",
                   FormatIso({point.hour * kMicrosPerHour}), point.final);
    AppendRows(point.rows, text);
    text += '}';
  }
  text += "]}";
  return text;
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
               {"rows", std::move(rows)},
               {"load", report.load ? Of(*report.load) : json()}});
}

std::string ToJson(const QualityReport& report) {
  json joins = json::array();
  for (const JoinRow& r : report.joins) {
    joins.push_back(Of(r));
  }
  json estimates = json::array();
  for (const EstimateRow& row : report.estimates) {
    estimates.push_back(ToJsonValue(row, report.ks));
  }
  json business = json::array();
  for (const BusinessRow& row : report.business) {
    business.push_back(ToJsonValue(row));
  }
  json behaviour = json::array();
  for (const BehaviourRow& row : report.behaviour) {
    behaviour.push_back(ToJsonValue(row));
  }
  json scores = json::array();
  for (const ScoreRow& row : report.scores) {
    if (row.report.all.places > 0) {
      scores.push_back(ToJsonValue(row));
    }
  }
  const std::string rest = Text({{"since", FormatIso(report.since)},
                                 {"counted", report.counted},
                                 {"behind", report.behind},
                                 {"hours_waiting", report.hours_waiting},
                                 {"hours_lost", report.hours_lost},
                                 {"waiting", report.waiting},
                                 {"forgotten", report.forgotten},
                                 {"estimates", std::move(estimates)},
                                 {"scores", std::move(scores)},
                                 {"business", std::move(business)},
                                 {"behaviour", std::move(behaviour)},
                                 {"joins", std::move(joins)}});
  std::string text = R"({"rows":)";
  AppendRows(report.rows, text);
  text += ',';
  text += std::string_view(rest).substr(1);
  return text;
}

std::string ToJson(const DataReport& report) {
  json rows = json::array();
  json feeds = json::array();
  for (const FeedRow& feed : report.feeds) {
    feeds.push_back(Of(feed));
  }
  for (const DataRow& r : report.rows) {
    rows.push_back({{"event", r.event},
                    {"accepted", r.accepted},
                    {"without_request", r.without_request},
                    {"anonymous", r.anonymous},
                    {"late", r.late}});
  }
  return Text({{"since", FormatIso(report.since)},
               {"counted", report.counted},
               {"accepted", report.accepted},
               {"duplicates", report.duplicates},
               {"rejected", report.rejected},
               {"rejected_share", report.rejected_share},
               {"robots", report.robots},
               {"rows", std::move(rows)},
               {"feeds", std::move(feeds)},
               {"contract", Of(report.contract)}});
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
      Append(row, point.hour, text);
    }
    text += "]}";
  }
  return text + "]}";
}

}  // namespace vitrine::monitor
