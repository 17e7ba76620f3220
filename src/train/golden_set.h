/// What an artifact carries beside its graph to be trusted later: the golden set (inputs and the
/// answers this process gives) and the reference histograms of what it will be served.
#pragma once

#include <cstdint>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "graph/golden_json.h"
#include "train/model.h"
#include "train/training_set.h"

namespace vitrine::train {

inline constexpr std::size_t kGoldenRows = 64;
inline constexpr std::size_t kReferenceRows = 2000;
/// Histories in the golden set keep their newest places up to this: a golden set is read by people
/// and by every probe.
inline constexpr std::size_t kGoldenPlaces = 200;

/// Users drawn by the seed, and four rows that break careless graphs: no history, one unknown item,
/// a removed newest place, and a removed place in the middle. Rows that are not steady are left out.
/// Errors: those of Apply and Score; kInternal (scores of another shape or not finite).
Result<graph::Golden> MakeGolden(const TrainableModel& model, const TrainingSet& set,
                                 std::uint64_t seed);

/// Of the histories of users drawn by the seed. `filtered`: history items are not among the best.
Result<std::vector<ReferenceHistogram>> MakeReferences(const TrainableModel& model,
                                                       const TrainingSet& set, bool filtered,
                                                       std::uint64_t seed);

}  // namespace vitrine::train
