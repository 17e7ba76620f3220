/// Reads the options of a FeatureDef: text in, numbers and flags out, with errors that name feature
/// and option.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/feature_spec.h"

namespace vitrine::data::features {

/// An error about one feature: "feature 'price': ...".
Status FeatureError(const FeatureDef& def, std::string_view message);

/// Errors: kInvalidArgument: an option that is not in `known`, with the nearest known one.
Status CheckOptions(const FeatureDef& def, std::span<const std::string> known);

/// The value, or `standard` where the option is absent.
/// Errors: kInvalidArgument (not a whole number, or outside [min, max]).
Result<std::int64_t> IntOption(const FeatureDef& def, std::string_view name, std::int64_t standard,
                               std::int64_t min, std::int64_t max);
/// Errors: kInvalidArgument (not a finite number). Nothing where the option is absent.
Result<std::optional<double>> NumberOption(const FeatureDef& def, std::string_view name);
/// "true" or "false". Errors: kInvalidArgument.
Result<bool> FlagOption(const FeatureDef& def, std::string_view name, bool standard);
/// One of `choices`. Errors: kInvalidArgument, with the choices.
Result<std::string> ChoiceOption(const FeatureDef& def, std::string_view name,
                                 std::string_view standard, std::span<const std::string> choices);
/// Parts between '|'; empty where the option is absent.
std::vector<std::string> ListOption(const FeatureDef& def, std::string_view name);
/// Comma-separated event names as bits (1 << EventType); `standard` where absent.
/// Errors: kInvalidArgument, with the nearest event name.
Result<std::uint32_t> EventsOption(const FeatureDef& def, std::string_view name,
                                   std::uint32_t standard);

}  // namespace vitrine::data::features
