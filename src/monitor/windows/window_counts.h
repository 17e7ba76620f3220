/// Counts of an hour as kept in a WindowRow, and hours put together for whoever looks at them.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/status.h"
#include "monitor/attribution.h"
#include "monitor/reports.h"
#include "monitor/windows/service_hours.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {

/// `estimates` null: nothing was estimated; `behaviour` none: nothing is known.
std::string QualityWindowText(const QualityCounts& counts, const std::vector<int>& ks,
                              const HourEstimates* estimates,
                              const std::optional<BehaviourCounts>& behaviour);
std::string ServiceWindowText(const AnswerCounts& counts);

/// `key`: model and scene joined by '\n'.
ServiceRow ServiceRowOf(const std::string& key, const AnswerCounts& counts);

/// First hour of the step that an hour belongs to; whole days begin at midnight UTC.
std::int64_t StepOf(std::int64_t hour, std::int64_t step);

/// Rows that one look at the past reads.
inline constexpr std::size_t kMostHistoryRows = 8000;
/// The same of features, whose rows are larger.
inline constexpr std::size_t kMostFeatureHistoryRows = 800;

template <typename Row>
struct HistoryPoint {
  std::int64_t hour = 0;  ///< its first
  bool final = false;     ///< it changes no more
  std::vector<Row> rows;  ///< by model and scene
};

/// Rows of store and memory, in any order; of two with the same hour and series the last one counts. A point has
/// `step` hours, whole days begin at midnight UTC. Hours without answers have no point. Quality of other cut-offs than the newest row's is left out.
/// Errors: kDataLoss (a row that is none of ours).
Result<std::vector<HistoryPoint<ServiceRow>>> ServiceHistory(std::span<const WindowRow> rows,
                                                             std::int64_t step);
Result<std::vector<HistoryPoint<QualityRow>>> QualityHistory(std::span<const WindowRow> rows,
                                                             std::int64_t step);

}  // namespace vitrine::monitor
