/// The monitors' reports as JSON, the bodies of GET /v1/monitors/*.
/// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include "monitor/reports.h"
#include "monitor/windows/feature_hours.h"
#include "monitor/windows/window_counts.h"

namespace vitrine::monitor {

std::string ToJson(const ServiceReport& report);
std::string ToJson(const QualityReport& report);
std::string ToJson(const DataReport& report);
std::string ToJson(const DriftReport& report);
std::string ToJson(const SkewReport& report);
std::string ToJson(const DriftVerdict& verdict);
/// {"points": [{"from", "final", "rows"}]}
std::string ToJson(const std::vector<HistoryPoint<ServiceRow>>& points);
std::string ToJson(const std::vector<HistoryPoint<QualityRow>>& points);
std::string ToJson(const std::vector<HistoryPoint<FeatureRow>>& points);

}  // namespace vitrine::monitor
