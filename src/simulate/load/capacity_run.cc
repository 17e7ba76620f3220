#include "simulate/load/capacity_run.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "simulate/load/time_text.h"

namespace vitrine::simulate {
namespace {

Result<CapacityLevel> MeasureLevel(LoadTarget& target, const LoadOptions& options,
                                   const LatencyBound& bound, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const LoadResult run, RunLoad(target, options, stop));
  CapacityLevel level{.rate = options.rate,
                      .throughput = run.throughput(),
                      .latency = run.total.Latency(bound.percentile),
                      .failed = run.total.counts.failed(),
                      .spoiled = run.spoiled};
  level.holds = run.spoiled.empty() && level.latency <= bound.limit;
  return level;
}

/// The rate to begin with.
Result<double> FirstRate(LoadTarget& target, LoadOptions options, const std::stop_token& stop) {
  if (options.rate > 0) {
    return options.rate;
  }
  options.windows = 1;
  ASSIGN_OR_RETURN(const LoadResult run, RunLoad(target, options, stop));
  return run.throughput() / 2;
}

}  // namespace

Result<LatencyBound> ParseLatencyBound(std::string_view text) {
  std::string packed(text);
  std::erase(packed, ' ');
  const std::size_t sign = packed.find("<=");
  double percent = 0;
  if (packed.starts_with('p') && sign != std::string::npos) {
    const char* end = packed.data() + sign;
    const auto [at, error] = std::from_chars(packed.data() + 1, end, percent);
    const auto limit = ParseTime(std::string_view(packed).substr(sign + 2));
    if (error == std::errc() && at == end && percent > 0 && percent <= 100 && limit.ok() &&
        *limit > 0) {
      return LatencyBound{.percentile = percent / 100, .limit = *limit};
    }
  }
  return InvalidArgument(
      fmt::format("'{}' is no bound on the latency; write it as 'p99<=7ms'", text));
}

std::string BoundText(const LatencyBound& bound) {
  return fmt::format("p{:g} <= {}", bound.percentile * 100, TimeText(bound.limit));
}

Result<CapacityResult> FindCapacity(LoadTarget& target, const LoadOptions& options,
                                    const LatencyBound& bound, CapacityOptions search,
                                    const std::stop_token& stop,
                                    const std::function<void(const CapacityLevel&)>& on_level) {
  ASSIGN_OR_RETURN(search.first, FirstRate(target, options, stop));
  CapacitySearch steps(search);
  CapacityResult result;
  LoadOptions level_options = options;
  while (const auto rate = steps.next()) {
    level_options.rate = *rate;
    ASSIGN_OR_RETURN(CapacityLevel level, MeasureLevel(target, level_options, bound, stop));
    if (!level.spoiled.empty()) {
      ASSIGN_OR_RETURN(level, MeasureLevel(target, level_options, bound, stop));
    }
    steps.Tell(level.holds);
    if (steps.fails() == level.rate) {
      result.spoiled = level.spoiled;
    }
    on_level(level);
    result.levels.push_back(std::move(level));
  }
  result.rate = steps.holds();
  result.fails = steps.fails();
  return result;
}

}  // namespace vitrine::simulate
