#include "data/features/rate_options.h"

#include <optional>

#include "data/features/options.h"

namespace vitrine::data::features {

Result<RateOptions> ReadRateOptions(const FeatureDef& def, const RateOptions& standard) {
  RateOptions options;
  ASSIGN_OR_RETURN(options.event, EventsOption(def, "event", 0));
  ASSIGN_OR_RETURN(options.per, EventsOption(def, "per", 0));
  if (options.event == 0 || options.per == 0) {
    return FeatureError(def, "options event and per are needed: a rate is event / per");
  }
  ASSIGN_OR_RETURN(options.days, IntOption(def, "days", standard.days, 1, 3650));
  ASSIGN_OR_RETURN(const std::optional<double> strength, NumberOption(def, "strength"));
  options.strength = strength.value_or(standard.strength);
  if (options.strength <= 0) {
    return FeatureError(def, "option strength must be above 0");
  }
  return options;
}

}  // namespace vitrine::data::features
