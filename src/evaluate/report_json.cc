// EvalReport as JSON. Rows are [relevant, slices, rank, rank, ...]: most users hit nothing.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "evaluate/report.h"

namespace vitrine::evaluate {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json OfSlice(const SliceReport& slice) {
  json metrics = json::object();
  for (const auto& [name, value] : slice.metrics) {
    metrics[name] = {{"mean", value.mean}, {"low", value.low}, {"high", value.high}};
  }
  return {{"name", slice.name}, {"cases", slice.cases}, {"metrics", metrics}};
}

json OfRows(const std::vector<CaseResult>& rows) {
  json out = json::array();
  for (const CaseResult& row : rows) {
    json line = json::array({row.relevant, row.slices});
    for (const std::uint32_t rank : row.ranks) {
      line.push_back(rank);
    }
    out.push_back(std::move(line));
  }
  return out;
}

/// Rows are [group, label, slices, probability].
json OfLabelled(const std::vector<LabelledResult>& rows) {
  json out = json::array();
  for (const LabelledResult& row : rows) {
    out.push_back({row.group, row.label, row.slices, row.probability});
  }
  return out;
}

LabelledResult LabelledRowOf(const json& line) {
  return {.group = line.at(0).get<std::uint32_t>(),
          .label = line.at(1).get<std::uint8_t>(),
          .slices = line.at(2).get<std::uint64_t>(),
          .probability = line.at(3).get<double>()};
}

SliceReport SliceOf(const json& j) {
  SliceReport slice;
  slice.name = j.at("name").get<std::string>();
  slice.cases = j.at("cases").get<std::uint64_t>();
  for (const auto& [name, value] : j.at("metrics").items()) {
    slice.metrics[name] = {value.at("mean").get<double>(), value.at("low").get<double>(),
                           value.at("high").get<double>()};
  }
  return slice;
}

CaseResult RowOf(const json& line) {
  CaseResult row;
  row.relevant = line.at(0).get<std::uint32_t>();
  row.slices = line.at(1).get<std::uint64_t>();
  for (std::size_t i = 2; i < line.size(); ++i) {
    row.ranks.push_back(line[i].get<std::uint32_t>());
  }
  return row;
}

EvalReport ReportOf(const json& j) {
  EvalReport report;
  report.model = j.at("model").get<std::string>();
  report.snapshot = j.at("snapshot").get<std::string>();
  report.protocol = j.at("protocol").get<std::string>();
  report.part = j.at("part").get<std::string>() == "validation" ? Part::kValidation : Part::kTest;
  report.history =
      j.at("history").get<std::string>() == "kept" ? HistoryRule::kKept : HistoryRule::kFiltered;
  report.ks = j.at("ks").get<std::vector<int>>();
  report.cases_hash = j.at("cases_hash").get<std::string>();
  report.vocabulary_size = j.at("vocabulary_size").get<std::uint64_t>();
  report.targets = j.at("targets").get<std::uint64_t>();
  report.unknown_targets = j.at("unknown_targets").get<std::uint64_t>();
  report.seconds = j.at("seconds").get<double>();
  report.slice_names = j.at("slice_names").get<std::vector<std::string>>();
  for (const json& slice : j.at("slices")) {
    report.slices.push_back(SliceOf(slice));
  }
  for (const json& c : j.at("catalogue")) {
    report.catalogue.push_back({c.at("k").get<int>(), c.at("coverage").get<double>(),
                                c.at("novelty").get<double>(), c.at("gini").get<double>()});
  }
  if (j.contains("rows")) {
    for (const json& line : j.at("rows")) {
      report.rows.push_back(RowOf(line));
    }
  }
  if (j.contains("labelled")) {
    for (const json& line : j.at("labelled")) {
      report.labelled.push_back(LabelledRowOf(line));
    }
  }
  return report;
}

}  // namespace

std::string ToJson(const EvalReport& report, bool with_rows) {
  json slices = json::array();
  for (const SliceReport& slice : report.slices) {
    slices.push_back(OfSlice(slice));
  }
  json catalogue = json::array();
  for (const CatalogueReport& c : report.catalogue) {
    catalogue.push_back(
        {{"k", c.k}, {"coverage", c.coverage}, {"novelty", c.novelty}, {"gini", c.gini}});
  }
  json out = {{"format", kFormat},
              {"model", report.model},
              {"snapshot", report.snapshot},
              {"protocol", report.protocol},
              {"part", PartName(report.part)},
              {"history", HistoryRuleName(report.history)},
              {"ks", report.ks},
              {"cases_hash", report.cases_hash},
              {"vocabulary_size", report.vocabulary_size},
              {"targets", report.targets},
              {"unknown_targets", report.unknown_targets},
              {"seconds", report.seconds},
              {"slice_names", report.slice_names},
              {"slices", std::move(slices)},
              {"catalogue", std::move(catalogue)}};
  if (with_rows && report.labelled.empty()) {
    out["rows"] = OfRows(report.rows);
  } else if (with_rows) {
    out["labelled"] = OfLabelled(report.labelled);
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<EvalReport> ParseEvalReport(std::string_view text) {
  try {
    const json j = json::parse(text);
    const int format = j.at("format").get<int>();
    if (format > kFormat) {
      return FailedPrecondition(fmt::format(
          "the evaluation report has format {}, this program reads up to {}", format, kFormat));
    }
    return ReportOf(j);
  } catch (const json::exception& e) {
    return InvalidArgument(fmt::format("not an evaluation report: {}", e.what()));
  }
}

}  // namespace vitrine::evaluate
