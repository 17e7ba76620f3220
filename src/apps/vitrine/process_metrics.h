/// Gauges of the process itself, read when scraped.
#pragma once

#include <cstdint>

#include "core/metrics.h"
#include "search/live_catalogue.h"
#include "serve/model_set.h"

namespace vitrine::apps {

/// Resident memory, CPU time, loaded versions, indexed items. The last three outlive the registry's
/// scrapes.
void AddProcessMetrics(MetricRegistry& metrics, const serve::ModelSet& models,
                       const search::LiveCatalogue& catalogue);

/// Resident bytes of this process; 0 where the system does not tell.
std::uint64_t ResidentBytes();
/// CPU time of this process so far, in user and kernel mode.
double ProcessCpuSeconds();
/// Cores that this process may run on.
std::uint64_t UsableCores();

}  // namespace vitrine::apps
