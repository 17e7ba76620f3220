/// A load run for people: figures and a plot of the latencies, as text.
/// Threads: pure functions.
#pragma once

#include <string>

#include "simulate/load/load_run.h"

namespace vitrine::simulate {

/// The run's lines: answers by status, failures, latency, lag, windows. Latencies are left out
/// where the run is spoiled, which is then said first.
std::string ReportText(const LoadResult& result, const LoadOptions& options);

/// Latencies over rows of rising time, each a constant factor wider than the one before: how many
/// requests, and what share was not above. Empty where nothing was recorded.
std::string PlotText(const LatencyHistogram& latency, std::size_t rows = 16);

}  // namespace vitrine::simulate
