#include "monitor/objectives/service_objective.h"

#include <cmath>

#include <fmt/format.h>

#include "core/check.h"

namespace vitrine::monitor {
namespace {

double CountWithin(const Histogram::View& latencies, double seconds) {
  double within = 0;
  double lower = 0;
  for (std::size_t bin = 0; bin < latencies.upper_bounds.size(); ++bin) {
    const double upper = latencies.upper_bounds[bin];
    const auto count = static_cast<double>(latencies.counts[bin]);
    if (upper > seconds) {
      return within + count * (seconds - lower) / (upper - lower);
    }
    within += count;
    lower = upper;
  }
  return within;  // what lies beyond the last bound is slow
}

}  // namespace

Status Validate(const ServiceObjective& objective) {
  if (!(objective.target >= 0.5 && objective.target <= 0.99999)) {
    return InvalidArgument(
        fmt::format("the target of the objective '{}' is {}; it can be 0.5 to 0.99999",
                    objective.name, objective.target));
  }
  const double longest = Histogram::LatencySeconds().back();
  if (objective.seconds && !(*objective.seconds > 0 && *objective.seconds <= longest)) {
    return InvalidArgument(fmt::format("the time of the objective '{}' is {} s; it can be up to {}",
                                       objective.name, *objective.seconds, longest));
  }
  if (!objective.seconds && !objective.scene.empty()) {
    return InvalidArgument(
        fmt::format("the objective '{}' is of failed requests, which belong to no scene; leave the "
                    "scene out, or give a time",
                    objective.name));
  }
  return Status::Ok();
}

GoodOfAll AnswersInTime(const ServiceReport& report, const ServiceObjective& objective) {
  CHECK(objective.seconds.has_value());
  const double seconds = objective.seconds.value_or(0);
  GoodOfAll sum;
  double within = 0;
  for (const ServiceRow& row : report.rows) {
    if (objective.scene.empty() || row.scene == objective.scene) {
      within += CountWithin(row.latencies, seconds);
      sum.all += row.latencies.count;
    }
  }
  sum.good = static_cast<std::uint64_t>(std::llround(within));
  return sum;
}

}  // namespace vitrine::monitor
