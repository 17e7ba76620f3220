#include "monitor/windows/window_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "monitor/json_view.h"
#include "monitor/quality_row.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

struct QualityHour {
  QualityCounts counts;
  HourEstimates estimates;
  BehaviourCounts behaviour;
};

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
  JsonDocument document;
  for (const auto& [key, row] : newest) {
    try {
      if (const std::optional<Counts> counts = read(document.Parse(row->counts))) {
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

/// To six digits.
std::string BehaviourText(const BehaviourCounts& c) {
  return fmt::format("[{},{:.6g},{},{},{},{},{},{:.6g},{},{:.6g},{}]", c.places, c.novelty, c.head,
                     c.tied, c.outside, c.scored, c.lists, c.diversity, c.known, c.gini,
                     c.gini_places);
}

EstimateBesideLabels BesideLabels(Label label, const HourEstimate& hour,
                                  const QualityCounts& counted, const std::vector<int>& ks) {
  const auto figure = [&](const MetricValue& estimate, double carried, double came) {
    EstimatedFigure of{.estimate = estimate, .carried = {}, .came = {}};
    if (carried >= 0) {
      of.carried = carried;
    }
    if (hour.labels_in) {
      of.came = came;
    }
    return of;
  };
  EstimateBesideLabels out;
  out.label = LabelName(label);
  out.answers = hour.answers;
  out.ctr = figure(EstimatedCtr(hour), hour.ctr_carried, CountedCtr(counted, label));
  for (std::size_t k = 0; k < ks.size() && k < hour.gains.size(); ++k) {
    out.ndcg[ks[k]] =
        figure(EstimatedNdcg(hour, k), hour.ndcg_carried[k], CountedNdcg(counted, label, k));
  }
  return out;
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

std::string QualityWindowText(const QualityCounts& counts, const std::vector<int>& ks,
                              const HourEstimates* estimates,
                              const std::optional<BehaviourCounts>& behaviour) {
  std::string text = json({{"ks", ks}, {"counts", QualityCountsToJson(counts)}}).dump();
  if (estimates != nullptr) {
    text.back() = ',';
    text += "\"estimates\":" + HourEstimatesText(*estimates) + "}";
  }
  if (behaviour) {
    text.back() = ',';
    text += "\"behaviour\":" + BehaviourText(*behaviour) + "}";
  }
  return text;
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
                       [](const JsonView& j) { return std::optional(AnswerCountsFromJson(j)); },
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
  const auto read = [&ks](const JsonView& j) -> std::optional<QualityHour> {
    if (j.at("ks").get<std::vector<int>>() != ks) {
      return std::nullopt;
    }
    QualityHour hour{QualityCountsFromJson(j.at("counts"), ks.size(), true), {}, {}};
    if (j.contains("behaviour")) {
      hour.behaviour = BehaviourFromJson(j.at("behaviour"));
    }
    for (std::size_t l = 0; l < kLabels && j.contains("estimates"); ++l) {
      hour.estimates.labels[l] = HourEstimateFromJson(j.at("estimates").at(l), ks.size());
      hour.estimates.scores = ScoreHourFromJson(j.at("estimates").at(kLabels));
    }
    return hour;
  };
  ASSIGN_OR_RETURN(const auto steps,
                   Sum<QualityHour>(rows, WindowKind::kQuality, step, read,
                                    [](QualityHour& sum, const QualityHour& hour) {
                                      monitor::AddCounts(sum.counts, hour.counts);
                                      AddScores(sum.estimates.scores, hour.estimates.scores);
                                      AddBehaviour(sum.behaviour, hour.behaviour);
                                      for (std::size_t l = 0; l < kLabels; ++l) {
                                        AddEstimate(sum.estimates.labels[l],
                                                    hour.estimates.labels[l]);
                                      }
                                    }));
  std::vector<HistoryPoint<QualityRow>> points;
  for (const auto& [hour, sums] : steps) {
    auto& point = points.emplace_back();
    point.hour = hour;
    point.final = sums.final;
    for (const auto& [series, summed] : sums.series) {
      QualityRow row = QualityRowOf(series, summed.counts, ks);
      for (std::size_t l = 0; l < kLabels; ++l) {
        const HourEstimate& estimate = summed.estimates.labels[l];
        if (estimate.answers > 0) {
          row.estimates.push_back(BesideLabels(static_cast<Label>(l), estimate, summed.counts, ks));
        }
      }
      if (summed.estimates.scores.places > 0) {
        row.scores = summed.estimates.scores;
      }
      if (summed.behaviour.places > 0) {
        row.behaviour = summed.behaviour;
      }
      point.rows.push_back(std::move(row));
    }
  }
  return points;
}

}  // namespace vitrine::monitor
