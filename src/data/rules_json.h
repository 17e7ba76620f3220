/// Cleaning rules as JSON: how the lake and its snapshots keep them.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "core/status.h"
#include "data/rules.h"

namespace vitrine::data {

nlohmann::json RulesToJson(const std::vector<Rule>& rules);
/// Errors: kInvalidArgument (an unknown kind, action or test: written by a newer version).
Result<std::vector<Rule>> RulesFromJson(const nlohmann::json& json);

}  // namespace vitrine::data
