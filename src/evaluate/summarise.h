/// From the rows of a report to its means and intervals.
#pragma once

#include "evaluate/bootstrap.h"
#include "evaluate/report.h"

namespace vitrine::evaluate {

/// Fills report.slices from its rows, ks and slice names; a slice without cases has no metrics.
/// Deterministic in the options' seed.
void Summarise(const BootstrapOptions& options, EvalReport& report);

}  // namespace vitrine::evaluate
