/// Parts of the quality report as JSON: estimates, scores, worth and lists.
/// Threads: pure functions.
#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/reports.h"

namespace vitrine::monitor {

nlohmann::json ToJsonValue(const EstimateRow& row, const std::vector<int>& ks);
nlohmann::json ToJsonValue(const ScoreRow& row);
nlohmann::json ToJsonValue(const BusinessRow& row);
nlohmann::json ToJsonValue(const BehaviourRow& row);
/// Of one hour or several.
nlohmann::json ToJsonValue(const EstimateBesideLabels& estimate);
nlohmann::json ToJsonValue(const ScoreHour& hour);
nlohmann::json ToJsonValue(const BehaviourCounts& counts);

}  // namespace vitrine::monitor
