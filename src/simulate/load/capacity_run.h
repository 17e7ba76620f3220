/// The highest rate at which a server keeps a promise on its latency, measured by open-loop runs.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "simulate/load/capacity_search.h"
#include "simulate/load/load_run.h"

namespace vitrine::simulate {

/// A percentile of the latency that may not be above a limit; failed requests are above any.
struct LatencyBound {
  double percentile = 0.99;
  Nanos limit = 0;
};
/// "p99<=7ms", "p99.9 <= 500us". Errors: kInvalidArgument (says how it is written)
Result<LatencyBound> ParseLatencyBound(std::string_view text);
std::string BoundText(const LatencyBound& bound);

/// One rate that was measured.
struct CapacityLevel {
  double rate = 0;
  double throughput = 0;  ///< good answers a second
  Nanos latency = 0;      ///< at the bound's percentile
  std::uint64_t failed = 0;
  std::string spoiled;
  bool holds = false;
};

struct CapacityResult {
  double rate = 0;   ///< the highest that held; 0: none did
  double fails = 0;  ///< the lowest above it that did not; 0: the search ended at its upper bound
  std::vector<CapacityLevel> levels;  ///< in the order in which they were measured
  std::string
      spoiled;  ///< the rate that failed did so by the generator's fault: `rate` is a lower bound
};

/// `options.rate` is the first rate; 0: half of what a closed loop of `options.concurrency` reaches.
/// A rate that the generator spoils by its own lag is measured once more.
/// Errors, Threads: those of RunLoad; `on_level` is called after each
Result<CapacityResult> FindCapacity(LoadTarget& target, const LoadOptions& options,
                                    const LatencyBound& bound, CapacityOptions search,
                                    const std::stop_token& stop,
                                    const std::function<void(const CapacityLevel&)>& on_level);

}  // namespace vitrine::simulate
