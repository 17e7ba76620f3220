/// A load run's result for programs. Times are in microseconds; what never came is null.
/// Threads: pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include "simulate/load/capacity_run.h"
#include "simulate/load/load_run.h"
#include "transport/http/inference_load.h"

namespace vitrine::apps {

/// Latencies are null where the run is spoiled.
nlohmann::json LoadJson(const simulate::LoadResult& result, const simulate::LoadOptions& options);
nlohmann::json CapacityJson(const simulate::CapacityResult& result,
                            const simulate::LatencyBound& bound);
/// Means of a request.
nlohmann::json SplitJson(const http::InferenceSplit& split);

}  // namespace vitrine::apps
