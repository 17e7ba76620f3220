#include "monitor/windows/window_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "monitor/quality_row.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// Sums of each step: the counts of its series by name.
template <typename Counts>
struct Step {
  bool final = true;
  std::map<std::string, Counts> series;
};

/// `read` makes counts of a row's text, nothing where they cannot be added to the others; `add` puts them into a sum.
template <typename Counts, typename ReadRow, typename Add>
Result<std::map<std::int64_t, Step<Counts>>> Sum(std::span<const WindowRow> rows, WindowKind kind,
                                                 std::int64_t step_hours, ReadRow&& read,
                                                 Add&& add) {
  std::map<std::pair<std::int64_t, std::string_view>, const WindowRow*> newest;
  for (const WindowRow& row : rows) {
    if (row.kind == kind) {
      newest[{row.hour, row.series}] = &row;
    }
  }
  std::map<std::int64_t, Step<Counts>> steps;
  for (const auto& [key, row] : newest) {
    try {
      if (const std::optional<Counts> counts = read(json::parse(row->counts))) {
        Step<Counts>& step = steps[StepOf(row->hour, step_hours)];
        step.final = step.final && row->final;
        add(step.series[row->series], *counts);
      }
    } catch (const json::exception& e) {
      return DataLoss(fmt::format("the kept hour {} of '{}' is broken: {}", row->hour,
                                  row->series.substr(0, row->series.find('\n')), e.what()));
    }
  }
  return steps;
}

void AddCounts(AnswerCounts& sum, const AnswerCounts& other) {
  sum.answers += other.answers;
  sum.fallbacks += other.fallbacks;
  std::vector<std::uint64_t> counts = sum.seconds.view().counts;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    counts[i] += other.seconds.view().counts[i];
  }
  sum.seconds.Restore(std::move(counts), sum.seconds.view().sum + other.seconds.view().sum);
}

}  // namespace

std::int64_t StepOf(std::int64_t hour, std::int64_t step) {
  const std::int64_t rest = hour % step;
  return hour - (rest < 0 ? rest + step : rest);
}

std::string_view WindowKindName(WindowKind kind) {
  switch (kind) {
    case WindowKind::kService:
      return "service";
    case WindowKind::kQuality:
      return "quality";
    case WindowKind::kData:
      return "data";
    case WindowKind::kDrift:
      return "drift";
  }
  return "";
}

bool InRange(const WindowRow& row, const WindowRange& range) {
  const std::size_t split = row.series.find('\n');
  const std::string_view series = row.series;
  return row.kind == range.kind && row.hour >= range.from && row.hour < range.until &&
         (!range.model || series.substr(0, split) == *range.model) &&
         (!range.scene ||
          (split != std::string_view::npos && series.substr(split + 1) == *range.scene));
}

std::string QualityWindowText(const QualityCounts& counts, const std::vector<int>& ks) {
  return json({{"ks", ks}, {"counts", QualityCountsToJson(counts)}}).dump();
}

std::string ServiceWindowText(const AnswerCounts& counts) {
  return AnswerCountsToJson(counts).dump();
}

ServiceRow ServiceRowOf(const std::string& key, const AnswerCounts& counts) {
  const Histogram::View& seconds = counts.seconds.view();
  const std::size_t split = key.find('\n');
  ServiceRow row;
  row.model = key.substr(0, split);
  row.scene = key.substr(split + 1);
  row.answers = counts.answers;
  row.fallbacks = counts.fallbacks;
  row.mean_seconds = seconds.count == 0 ? 0 : seconds.sum / static_cast<double>(seconds.count);
  row.p50_seconds = seconds.Quantile(0.5);
  row.p95_seconds = seconds.Quantile(0.95);
  row.p99_seconds = seconds.Quantile(0.99);
  row.p999_seconds = seconds.Quantile(0.999);
  return row;
}

Result<std::vector<HistoryPoint<ServiceRow>>> ServiceHistory(std::span<const WindowRow> rows,
                                                             std::int64_t step) {
  ASSIGN_OR_RETURN(const auto steps,
                   Sum<AnswerCounts>(
                       rows, WindowKind::kService, step,
                       [](const json& j) { return std::optional(AnswerCountsFromJson(j)); },
                       [](AnswerCounts& sum, const AnswerCounts& c) { AddCounts(sum, c); }));
  std::vector<HistoryPoint<ServiceRow>> points;
  for (const auto& [hour, sums] : steps) {
    auto& point = points.emplace_back();
    point.hour = hour;
    point.final = sums.final;
    for (const auto& [series, counts] : sums.series) {
      point.rows.push_back(ServiceRowOf(series, counts));
    }
  }
  return points;
}

Result<std::vector<HistoryPoint<QualityRow>>> QualityHistory(std::span<const WindowRow> rows,
                                                             std::int64_t step) {
  const auto newest = std::max_element(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const WindowRow& row) {
      return std::pair(row.kind == WindowKind::kQuality, row.hour);
    };
    return rank(a) < rank(b);
  });
  std::vector<int> ks;
  if (newest != rows.end() && newest->kind == WindowKind::kQuality) {
    try {
      ks = json::parse(newest->counts).at("ks").get<std::vector<int>>();
    } catch (const json::exception& e) {
      return DataLoss(fmt::format("the kept hour {} is broken: {}", newest->hour, e.what()));
    }
  }
  const auto read = [&ks](const json& j) -> std::optional<QualityCounts> {
    if (j.at("ks").get<std::vector<int>>() != ks) {
      return std::nullopt;
    }
    return QualityCountsFromJson(j.at("counts"), ks.size(), true);
  };
  ASSIGN_OR_RETURN(const auto steps,
                   Sum<QualityCounts>(rows, WindowKind::kQuality, step, read,
                                      [](QualityCounts& sum, const QualityCounts& c) {
                                        monitor::AddCounts(sum, c);
                                      }));
  std::vector<HistoryPoint<QualityRow>> points;
  for (const auto& [hour, sums] : steps) {
    auto& point = points.emplace_back();
    point.hour = hour;
    point.final = sums.final;
    for (const auto& [series, counts] : sums.series) {
      point.rows.push_back(QualityRowOf(series, counts, ks));
    }
  }
  return points;
}

}  // namespace vitrine::monitor
