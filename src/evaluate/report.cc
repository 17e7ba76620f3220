#include "evaluate/report.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "evaluate/labelled_metrics.h"
#include "evaluate/ranking_metrics.h"
#include "evaluate/summarise.h"

namespace vitrine::evaluate {
namespace {

constexpr std::string_view kAll = "all";

/// Bit mask of a slice; all bits for "all". Errors: kNotFound.
Result<std::uint64_t> MaskOf(const EvalReport& report, std::string_view slice) {
  if (slice == kAll) {
    return ~std::uint64_t{0};
  }
  for (std::size_t s = 0; s < report.slice_names.size(); ++s) {
    if (report.slice_names[s] == slice) {
      return std::uint64_t{1} << s;
    }
  }
  return NotFound(fmt::format("the report of {} has no slice '{}'", report.model, slice));
}

bool In(const CaseResult& row, std::uint64_t mask) {
  return mask == ~std::uint64_t{0} || (row.slices & mask) != 0;
}

std::string MetricName(std::size_t metric, int k) {
  return fmt::format("{}@{}", RankMetricName(static_cast<RankMetric>(metric)), k);
}

SliceReport SummariseSlice(const EvalReport& report, const std::string& name, std::uint64_t mask,
                           const BootstrapOptions& options) {
  const std::size_t columns = report.ks.size() * kRankMetrics;
  std::vector<double> values;
  for (const CaseResult& row : report.rows) {
    if (!In(row, mask)) {
      continue;
    }
    for (const int k : report.ks) {
      const auto at = RankMetricsAt(row.ranks, row.relevant, k);
      values.insert(values.end(), at.begin(), at.end());
    }
  }
  SliceReport slice;
  slice.name = name;
  slice.cases = values.size() / columns;
  if (slice.cases == 0) {
    return slice;
  }
  const auto means = BootstrapMeans(values, columns, options);
  for (std::size_t c = 0; c < columns; ++c) {
    slice.metrics[MetricName(c % kRankMetrics, report.ks[c / kRankMetrics])] = means[c];
  }
  return slice;
}

SliceReport SummariseLabelled(const std::string& name, std::span<const LabelledResult> rows,
                              const BootstrapOptions& options) {
  return {.name = name, .cases = rows.size(), .metrics = LabelledMetrics(rows, options)};
}

}  // namespace

const MetricValue* EvalReport::Find(std::string_view slice, std::string_view metric) const {
  for (const SliceReport& s : slices) {
    if (s.name == slice) {
      const auto found = s.metrics.find(std::string(metric));
      return found == s.metrics.end() ? nullptr : &found->second;
    }
  }
  return nullptr;
}

Result<std::vector<LabelledResult>> EvalReport::LabelledOf(std::string_view slice) const {
  ASSIGN_OR_RETURN(const std::uint64_t mask, MaskOf(*this, slice));
  std::vector<LabelledResult> out;
  std::copy_if(labelled.begin(), labelled.end(), std::back_inserter(out),
               [mask](const LabelledResult& row) {
                 return mask == ~std::uint64_t{0} || (row.slices & mask) != 0;
               });
  return out;
}

bool ParseMetricName(std::string_view name, std::size_t& metric, int& k) {
  const std::size_t at = name.find('@');
  if (at == std::string_view::npos) {
    return false;
  }
  for (metric = 0; metric < kRankMetrics; ++metric) {
    if (RankMetricName(static_cast<RankMetric>(metric)) == name.substr(0, at)) {
      const std::string_view digits = name.substr(at + 1);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), k);
      return error == std::errc() && end == digits.data() + digits.size() && k > 0;
    }
  }
  return false;
}

Result<std::vector<double>> CaseValues(const EvalReport& report, std::string_view slice,
                                       std::string_view metric) {
  ASSIGN_OR_RETURN(const std::uint64_t mask, MaskOf(report, slice));
  std::size_t which = 0;
  int k = 0;
  if (!ParseMetricName(metric, which, k)) {
    std::string known;
    for (std::size_t m = 0; m < kRankMetrics; ++m) {
      known +=
          fmt::format("{}{}@K", m == 0 ? "" : ", ", RankMetricName(static_cast<RankMetric>(m)));
    }
    return InvalidArgument(fmt::format("no metric is called '{}'; there are {}", metric, known));
  }
  if (report.ks.empty() || k > report.ks.back()) {
    return InvalidArgument(fmt::format("'{}' lies beyond the largest evaluated cut-off, {}", metric,
                                       report.ks.empty() ? 0 : report.ks.back()));
  }
  std::vector<double> values;
  for (const CaseResult& row : report.rows) {
    if (In(row, mask)) {
      values.push_back(RankMetricsAt(row.ranks, row.relevant, k)[which]);
    }
  }
  return values;
}

void Summarise(const BootstrapOptions& options, EvalReport& report) {
  report.slices.clear();
  if (!report.labelled.empty()) {
    report.slices.push_back(SummariseLabelled(std::string(kAll), report.labelled, options));
    for (const std::string& name : report.slice_names) {
      const auto rows = report.LabelledOf(name);
      report.slices.push_back(
          SummariseLabelled(name, rows.ok() ? *rows : std::vector<LabelledResult>(), options));
    }
    return;
  }
  report.slices.push_back(SummariseSlice(report, std::string(kAll), ~std::uint64_t{0}, options));
  for (std::size_t s = 0; s < report.slice_names.size(); ++s) {
    report.slices.push_back(
        SummariseSlice(report, report.slice_names[s], std::uint64_t{1} << s, options));
  }
}

std::map<std::string, MetricValue> ManifestMetrics(const EvalReport& report) {
  std::map<std::string, MetricValue> out;
  for (const SliceReport& slice : report.slices) {
    for (const auto& [name, value] : slice.metrics) {
      out[slice.name == kAll ? name : slice.name + "/" + name] = value;
    }
  }
  for (const CatalogueReport& c : report.catalogue) {
    out[fmt::format("coverage@{}", c.k)] = {c.coverage, c.coverage, c.coverage};
    out[fmt::format("novelty@{}", c.k)] = {c.novelty, c.novelty, c.novelty};
    out[fmt::format("gini@{}", c.k)] = {c.gini, c.gini, c.gini};
  }
  return out;
}

}  // namespace vitrine::evaluate
