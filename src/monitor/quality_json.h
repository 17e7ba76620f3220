/// Parts of the quality report as JSON: estimates, scores, worth and lists.
/// Threads: pure functions.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "monitor/reports.h"

namespace vitrine::monitor {

nlohmann::json ToJsonValue(const EstimateRow& row, const std::vector<int>& ks);
nlohmann::json ToJsonValue(const ScoreRow& row);
nlohmann::json ToJsonValue(const BusinessRow& row);
nlohmann::json ToJsonValue(const BehaviourRow& row);
/// Appends the row as an object, without a tree: a day of all versions and scenes is thousands of them.
void AppendJson(const QualityRow& row, std::string& text);

}  // namespace vitrine::monitor
