/// A data contract as JSON, which comes back as it was; what a person's edit pins; what differs
/// between two versions.
/// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/status.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/judge_contract.h"

namespace vitrine::monitor {

nlohmann::ordered_json ToJson(const DataContract& contract);
/// Errors: kInvalidArgument (not JSON, an unknown or missing field, a value that cannot be: named by
///         its path), kFailedPrecondition (a newer format).
Result<DataContract> ContractFromText(std::string_view text);
Result<DataContract> ContractFromJson(const nlohmann::ordered_json& json);

nlohmann::ordered_json ToJson(const ContractFinding& finding);

/// Errors: kInvalidArgument: what the rules cannot mean, named by rule and field.
Status Validate(const DataContract& contract);

/// `given`, as a person hands it in, over `current`: whatever differs in a pinnable field is pinned,
/// a rule that is new is the person's own, a rule that was left out is switched off and stays so.
/// A name that was taken out of `pinned` is the data's again at the next learning.
DataContract Edited(const DataContract& current, DataContract given);

struct ContractChange {
  std::string rule;   ///< empty: of the contract itself
  std::string field;  ///< empty: the rule came or went
  std::string before, after;
};
std::vector<ContractChange> Diff(const DataContract& before, const DataContract& after);

}  // namespace vitrine::monitor
