/// What a share of events is of: the options that rate_asof and lift_asof have in common.
#pragma once

#include <cstdint>

#include "core/status.h"
#include "data/feature_spec.h"

namespace vitrine::data::features {

struct RateOptions {
  std::uint32_t event = 0;  ///< bit per EventType: what is counted
  std::uint32_t per = 0;    ///< against what
  std::int64_t days = 0;    ///< looked back
  double strength = 0;      ///< how many `per` events what is expected anyway is worth; above 0
};

/// `standard`: days and strength where the feature names none.
/// Errors: kInvalidArgument (event or per is missing, a bound): names the feature.
Result<RateOptions> ReadRateOptions(const FeatureDef& def, const RateOptions& standard);

}  // namespace vitrine::data::features
