/// When a measurement has settled: the last windows agree in throughput and in latency.
/// Source: the rule of NVIDIA's perf_analyzer (three windows within 10 %).
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <span>

namespace vitrine::simulate {

struct WindowFigures {
  double throughput = 0;  ///< good answers a second
  double latency = 0;     ///< mean or a percentile; any unit
};

struct StabilityRule {
  std::size_t windows = 3;
  double share = 0.1;  ///< the largest may be above the smallest by this share of it
};

/// True where the last `windows` of all agree. A window without a good answer agrees with none.
bool Stable(std::span<const WindowFigures> all, const StabilityRule& rule = {});

}  // namespace vitrine::simulate
