/// Reads what a transform kept in featurespec.json, and never trusts it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/features/transform.h"

namespace vitrine::data::features {

/// Errors of all: kInvalidArgument, names feature and field.
Result<double> FittedNumber(const FeatureDef& def, const Json& fitted, std::string_view field);
Result<std::int64_t> FittedInt(const FeatureDef& def, const Json& fitted, std::string_view field);
Result<std::vector<double>> FittedNumbers(const FeatureDef& def, const Json& fitted,
                                          std::string_view field);
Result<std::vector<std::int64_t>> FittedInts(const FeatureDef& def, const Json& fitted,
                                             std::string_view field);
Result<std::vector<std::string>> FittedWords(const FeatureDef& def, const Json& fitted,
                                             std::string_view field);

}  // namespace vitrine::data::features
