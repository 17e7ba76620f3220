/// Where an order of candidates stands on a knife's edge: trees jump at thresholds and ranks where two
/// scores cross, so that float32 noise of a network's scores can show in the answer.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::train {

/// Ranks once from the members' scores as they are and sixteen times with the float32 ones shaken, each
/// by up to 1e-5 of its row's largest (ten times the noise of two runtimes). A row is steady where its
/// best twenty items and their scores (within 1e-4) are always the same; all are where no member is
/// float32.
/// Errors: those of `rank`.
Result<std::vector<bool>> SteadyRows(
    const std::vector<Tensor>& members, std::size_t rows,
    const std::function<Status(std::span<const Tensor>, Tensor&)>& rank);

}  // namespace vitrine::train
