/// Reports side by side: paired differences, and a table for people.
/// Threads: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "evaluate/bootstrap.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

/// Mean of (candidate - reference) over the cases of a slice, with the interval of the same
/// resampled users for both.
/// Errors: kFailedPrecondition (the reports judge different cases, or one has no rows),
///         kNotFound (slice), kInvalidArgument (metric).
Result<MetricValue> PairedDifference(const EvalReport& candidate, const EvalReport& reference,
                                     std::string_view slice, std::string_view metric,
                                     const BootstrapOptions& options);

/// The metric that decides where the caller names none: "ndcg@10", of labelled rows "log_loss".
std::string DecidingMetric(const EvalReport& report);

struct TableOptions {
  std::vector<std::string> metrics;  ///< empty: recall, ndcg and hit_rate at the largest and 10
  std::string primary = "ndcg@10";   ///< the metric whose paired difference stands at the end
  BootstrapOptions bootstrap;
};

/// A block per slice: a line per report with its metrics, and the paired difference of `primary`
/// against the first report with its interval ("+.0041 [+.0020, +.0062]"), "=" where it is the
/// first, "other cases" where it cannot be compared. Plain text, columns aligned, "\n" at the end.
std::string ComparisonTable(std::span<const EvalReport* const> reports,
                            const TableOptions& options);

}  // namespace vitrine::evaluate
