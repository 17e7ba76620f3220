/// How many rows of a graph are worth running together, found by trying.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "core/status.h"
#include "core/tensor.h"
#include "serve/model_runtime.h"

namespace vitrine::serve {

struct BatchSize {
  std::int64_t rows = 1;  ///< 1: joining requests does not pay, or the graph does not allow it
  double seconds = 0;     ///< of a run of that many
};

using TellTime = std::chrono::steady_clock::time_point (*)();

/// True where every input and output has a first axis of free size, and none is of texts.
bool CanJoinRows(const LoadedGraph& graph);

/// Runs `one_row` repeated 1, 2, 4, … `most` times, as long as each size runs kWorthwhile more rows a second than
/// the one before and that one took no longer than kLongest: what does not gain costs no memory for more. Every
/// size up to the result is run once, so that none is met cold. `clock` is for tests.
/// Errors: those of the graph, kInternal (an output has not as many rows as went in).
Result<BatchSize> FindBatchSize(const LoadedGraph& graph, std::span<const Tensor> one_row,
                                std::int64_t most, TellTime clock = std::chrono::steady_clock::now);

inline constexpr double kWorthwhile = 1.10;
inline constexpr double kLongest = 0.05;  // seconds

}  // namespace vitrine::serve
