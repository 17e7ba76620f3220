// A comparison of frames for machines and for people.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "monitor/offline/frame_drift.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json Of(const DriftVerdict& v) {
  return {{"column", v.feature}, {"p_value", v.p_value},
          {"alpha", v.alpha},    {"corrected_psi", v.corrected_psi},
          {"judged", v.judged},  {"drifted", v.drifted},
          {"strong", v.strong}};
}

json Of(const ColumnDrift& c) {
  json out = Of(c.verdict);
  out["column"] = c.column;
  out["kind"] = KindName(c.kind);
  out["reference_rows"] = c.verdict.reference_rows;
  out["current_rows"] = c.verdict.current_rows;
  out["importance"] = c.importance;
  out["weighted"] = c.weighted;
  if (c.kind == ColumnKind::kText || c.kind == ColumnKind::kVector) {
    out["auc"] = c.verdict.auc;
    return out;
  }
  out["psi"] = c.verdict.psi;
  out["bins"] = c.verdict.bins;
  out["js_distance"] = c.verdict.js_distance;
  out["hellinger"] = c.hellinger;
  out["total_variation"] = c.total_variation;
  out["l_infinity"] = c.l_infinity;
  out["kl"] = c.kullback_leibler;
  out["chi_square"] = {
      {"statistic", c.chi_square}, {"degrees", c.chi_square_degrees}, {"p_value", c.chi_square_p}};
  out["reference_missing"] = c.reference_missing;
  out["current_missing"] = c.current_missing;
  out["levels"] = c.levels;
  out["constant"] = c.constant;
  if (c.kind == ColumnKind::kWord) {
    out["unseen_share"] = c.unseen_share;
    return out;
  }
  out["ks"] = {{"statistic", c.verdict.ks}, {"p_value", c.ks_p}};
  out["wasserstein"] = c.wasserstein;
  out["wasserstein_over_spread"] = c.wasserstein_over_spread;
  out["reference_mean"] = c.reference_mean;
  out["current_mean"] = c.current_mean;
  return out;
}

json Of(const ConceptReport& r) {
  return {{"judged", r.judged},
          {"reference_rate", r.reference_rate},
          {"current_rate", r.current_rate},
          {"population_part", r.population_part},
          {"concept_part", r.concept_part},
          {"population_p", r.population_p},
          {"population_psi", r.population_psi},
          {"concept_p", r.concept_p},
          {"calibration_shift", r.calibration_shift},
          {"population_moved", r.population_moved},
          {"concept_moved", r.concept_moved}};
}

std::string_view Word(const ColumnDrift& c) {
  return c.verdict.strong    ? "strong"
         : c.verdict.drifted ? "drifted"
         : c.constant        ? "constant"
         : c.verdict.judged  ? ""
                             : "few rows";
}

/// At most `width` characters; a longer one ends in "~".
std::string Cropped(const std::string& text, std::size_t width) {
  std::size_t end = std::min(text.size(), width - 1);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return text.size() <= width ? text : text.substr(0, end) + "~";
}

std::string ConceptText(const FrameDriftReport& report) {
  const ConceptReport& r = report.concept_report;
  if (!r.judged) {
    return fmt::format("\n'{}' cannot be compared within strata of '{}': too few rows or labels\n",
                       report.label, report.score);
  }
  const std::string_view meaning =
      r.concept_moved && r.population_moved ? "both other rows and other answers to the same rows"
      : r.concept_moved ? "the same rows are answered otherwise: what was learned no longer holds"
      : r.population_moved ? "other rows come; answers to the same rows stayed"
                           : "neither rows nor answers moved";
  return fmt::format(
      "\n'{}' went from {:.4g} to {:.4g}: {:+.4g} by other rows (p {:.2g}), {:+.4g} by other "
      "answers within strata of '{}' (p {:.2g}, calibration off by {:.3g})\n  {}\n",
      report.label, r.reference_rate, r.current_rate, r.population_part, r.population_p,
      r.concept_part, report.score, r.concept_p, r.calibration_shift, meaning);
}

std::string SegmentsText(const FrameDriftReport& report) {
  if (report.segments.empty()) {
    return fmt::format("\nNo segment of '{}' has enough rows on both sides\n", report.slice);
  }
  constexpr std::size_t kShown = 5;
  std::string out = fmt::format("\nSegments of '{}', most moved first:\n", report.slice);
  for (std::size_t i = 0; i < std::min(kShown, report.segments.size()); ++i) {
    const SegmentDrift& s = report.segments[i];
    out += fmt::format("  {:<24} {:>9.0f} -> {:<9.0f} moved {:.3f}", Cropped(s.segment, 24),
                       s.reference_rows, s.current_rows, s.moved);
    for (const DriftVerdict& v : s.columns) {
      out += v.drifted ? " " + v.feature : "";
    }
    out += "\n";
  }
  return out;
}

}  // namespace

std::string ToJson(const FrameDriftReport& report) {
  json columns = json::array();
  for (const ColumnDrift& column : report.columns) {
    columns.push_back(Of(column));
  }
  json out = {{"reference_rows", report.reference_rows},
              {"current_rows", report.current_rows},
              {"alpha", report.alpha},
              {"judged", report.judged},
              {"drifted", report.drifted},
              {"columns", std::move(columns)},
              {"left_out", report.left_out}};
  if (!report.slice.empty()) {
    json segments = json::array();
    for (const SegmentDrift& s : report.segments) {
      json verdicts = json::array();
      for (const DriftVerdict& v : s.columns) {
        verdicts.push_back(Of(v));
      }
      segments.push_back({{"segment", s.segment},
                          {"reference_rows", s.reference_rows},
                          {"current_rows", s.current_rows},
                          {"moved", s.moved},
                          {"columns", std::move(verdicts)}});
    }
    out["slice"] = {{"column", report.slice}, {"segments", std::move(segments)}};
  }
  if (!report.label.empty()) {
    out["label"] = Of(report.concept_report);
    out["label"]["column"] = report.label;
    out["label"]["score"] = report.score;
  }
  return out.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string ToText(const FrameDriftReport& report) {
  std::string out =
      fmt::format("{} of {} judged columns drifted ({:.0f} -> {:.0f} rows)\n\n", report.drifted,
                  report.judged, report.reference_rows, report.current_rows);
  out += fmt::format("{:<24} {:<7} {:<9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>8}\n", "column",
                     "kind", "", "p", "effect", "PSI", "JS", "KS", "W1/sd", "missing");
  for (const ColumnDrift& c : report.columns) {
    out += fmt::format("{:<24} {:<7} {:<9} {:>9.2g} {:>9.4f}", Cropped(c.column, 24),
                       KindName(c.kind), Word(c), c.verdict.p_value, c.verdict.corrected_psi);
    if (c.kind == ColumnKind::kText || c.kind == ColumnKind::kVector) {
      out += fmt::format("  AUC {:.3f}\n", c.verdict.auc);
      continue;
    }
    out += fmt::format(" {:>8.4f} {:>8.4f}", c.verdict.psi, c.verdict.js_distance);
    out += c.kind == ColumnKind::kNumber
               ? fmt::format(" {:>8.4f} {:>9.4f}", c.verdict.ks, c.wasserstein_over_spread)
               : fmt::format(" {:>8} {:>9}", "", "");
    out += fmt::format(" {:>7.1f}%\n", c.current_missing * 100);
  }
  for (const std::string& text : report.left_out) {
    out += "not compared: " + text + "\n";
  }
  if (!report.label.empty()) {
    out += ConceptText(report);
  }
  if (!report.slice.empty()) {
    out += SegmentsText(report);
  }
  return out;
}

}  // namespace vitrine::monitor
