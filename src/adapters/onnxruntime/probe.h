/// What `vitrine model probe` does in a child process under limits before a model may become a
/// version: verify, check, load, warm, run the golden set (of a graph: its sample inputs), measure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::adapters {

/// Scores agree where |got - expected| <= kGoldenTolerance * max(1, |expected|).
inline constexpr double kGoldenTolerance = 1e-4;
/// Two items may stand in either order where their scores differ by no more than this (relative to
/// max(1, |score|)): below float32's own noise. Such places are counted, not hidden.
inline constexpr double kOrderTolerance = 1e-6;

struct ProbeReport {
  std::string name;  ///< of the manifest
  std::string hash;  ///< of the artifact
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  std::vector<std::string> operators;
  std::size_t golden_rows = 0;  ///< 0: a graph, which has none
  double max_difference = 0;    ///< largest |got - expected| / max(1, |expected|)
  std::size_t near_ties = 0;    ///< places that differ within kOrderTolerance
  double load_seconds = 0;
  double first_run_seconds = 0;
  double run_seconds = 0;            ///< median of the later runs, one row each
  std::uint64_t model_bytes = 0;     ///< with item vectors, where it has some
  std::uint64_t resident_bytes = 0;  ///< of this process, after the runs
  std::uint64_t peak_bytes = 0;      ///< highest so far
};

/// Errors: those of graph::OpenArtifact, graph::CheckModel and ModelRuntime::Load; kInvalidArgument
///         (the manifest and the graph disagree on a tensor: named); kFailedPrecondition (a golden
///         row differs: names row, item and both scores, or the first place out of order).
Result<ProbeReport> ProbeArtifact(const std::string& dir);

/// One JSON object, for the parent process.
std::string ProbeReportToJson(const ProbeReport& report);

}  // namespace vitrine::adapters
