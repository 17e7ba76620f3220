#include "evaluate/compare.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "evaluate/labelled_metrics.h"

namespace vitrine::evaluate {
namespace {

/// The default columns: recall, ndcg and hit rate at 10 (or the largest cut-off below) and the last.
std::vector<std::string> DefaultMetrics(const EvalReport& report) {
  if (!report.labelled.empty()) {
    return {"auc", "log_loss", "average_precision", "brier", "calibration_error"};
  }
  std::vector<int> ks;
  for (const int k : report.ks) {
    if (k == 10 || k == report.ks.back()) {
      ks.push_back(k);
    }
  }
  std::vector<std::string> names;
  for (const int k : ks) {
    for (const std::string_view metric : {"recall", "ndcg", "hit_rate"}) {
      names.push_back(fmt::format("{}@{}", metric, k));
    }
  }
  return names;
}

Result<MetricValue> LabelledDifference(const EvalReport& candidate, const EvalReport& reference,
                                       std::string_view slice, std::string_view metric,
                                       const BootstrapOptions& options) {
  const std::optional<LabelledMetric> which = LabelledMetricOf(metric);
  if (!which) {
    return InvalidArgument(fmt::format(
        "no metric of labelled rows is called '{}'; there are auc, average_precision, log_loss, "
        "brier, calibration_error, calibration_ratio and accuracy",
        metric));
  }
  ASSIGN_OR_RETURN(const std::vector<LabelledResult> ours, candidate.LabelledOf(slice));
  ASSIGN_OR_RETURN(const std::vector<LabelledResult> theirs, reference.LabelledOf(slice));
  return PairedLabelledDifference(ours, theirs, *which, options);
}

std::string DifferenceCell(const EvalReport& report, const EvalReport& first,
                           const std::string& slice, const TableOptions& options) {
  if (&report == &first) {
    return "=";
  }
  const auto difference =
      PairedDifference(report, first, slice, options.primary, options.bootstrap);
  if (!difference.ok()) {
    return difference.status().code() == Code::kFailedPrecondition ? "other cases" : "-";
  }
  return fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", difference->mean, difference->low,
                     difference->high);
}

using Table = std::vector<std::vector<std::string>>;

/// Columns as wide as their widest cell; the first column to the left, the others to the right.
void AppendTable(const Table& table, std::string& out) {
  std::vector<std::size_t> widths;
  for (const auto& line : table) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t c = 0; c < line.size(); ++c) {
      widths[c] = std::max(widths[c], line[c].size());
    }
  }
  for (const auto& line : table) {
    for (std::size_t c = 0; c < line.size(); ++c) {
      out += c == 0 ? fmt::format("{:<{}}", line[c], widths[c])
                    : fmt::format("  {:>{}}", line[c], widths[c]);
    }
    out += "\n";
  }
}

}  // namespace

std::string DecidingMetric(const EvalReport& report) {
  return report.labelled.empty() ? "ndcg@10" : "log_loss";
}

Result<MetricValue> PairedDifference(const EvalReport& candidate, const EvalReport& reference,
                                     std::string_view slice, std::string_view metric,
                                     const BootstrapOptions& options) {
  if (candidate.cases_hash != reference.cases_hash || candidate.judged() != reference.judged() ||
      candidate.labelled.size() != reference.labelled.size() || candidate.judged() == 0) {
    return FailedPrecondition(
        fmt::format("{} and {} were not judged on the same cases; evaluate both on one holdout",
                    candidate.model, reference.model));
  }
  if (!candidate.labelled.empty()) {
    return LabelledDifference(candidate, reference, slice, metric, options);
  }
  ASSIGN_OR_RETURN(std::vector<double> values, CaseValues(candidate, slice, metric));
  ASSIGN_OR_RETURN(const std::vector<double> others, CaseValues(reference, slice, metric));
  if (values.size() != others.size()) {
    return FailedPrecondition(fmt::format("{} and {} disagree on which cases slice '{}' has",
                                          candidate.model, reference.model, slice));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] -= others[i];
  }
  return BootstrapMeans(values, 1, options).front();
}

std::string ComparisonTable(std::span<const EvalReport* const> reports,
                            const TableOptions& options) {
  std::string out;
  if (reports.empty()) {
    return out;
  }
  const EvalReport& first = *reports.front();
  const auto metrics = options.metrics.empty() ? DefaultMetrics(first) : options.metrics;
  for (const SliceReport& slice : first.slices) {
    out += fmt::format("{}{}: {} cases of {}, {}\n", out.empty() ? "" : "\n", slice.name,
                       slice.cases, first.protocol, PartName(first.part));
    Table table(1, {"model"});
    table[0].insert(table[0].end(), metrics.begin(), metrics.end());
    table[0].push_back(fmt::format("{} - {}", options.primary, first.model));
    for (const EvalReport* report : reports) {
      auto& line = table.emplace_back();
      line.push_back(report->model);
      for (const std::string& metric : metrics) {
        const MetricValue* value = report->Find(slice.name, metric);
        line.push_back(value == nullptr ? "-" : fmt::format("{:.4f}", value->mean));
      }
      line.push_back(DifferenceCell(*report, first, slice.name, options));
    }
    AppendTable(table, out);
  }
  return out;
}

}  // namespace vitrine::evaluate
