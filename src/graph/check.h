/// Looks at a model file before anything else opens it: a model may come from anybody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::graph {

struct CheckLimits {
  std::uint64_t max_bytes = (std::uint64_t{1} << 31) - 1;  ///< the format's own limit
  std::size_t max_nodes = 200'000;                         ///< subgraphs included
  int max_depth = 8;                                       ///< subgraphs in subgraphs
};

/// What a model says of itself.
struct ModelSummary {
  std::string name;
  std::string producer;
  std::int64_t ir_version = 0;
  std::int64_t opset = 0;
  std::size_t nodes = 0;  ///< subgraphs included
  std::uint64_t initializer_bytes = 0;
  std::vector<TensorSpec> inputs;  ///< free sizes are -1
  std::vector<TensorSpec> outputs;
  std::vector<std::string> operators;  ///< distinct, sorted
};

/// Refuses: what is not ONNX, a truncated file, domains and operators other than the standard ones
/// (ai.onnx, ai.onnx.ml), local functions, data outside the file, sizes that do not fit the data,
/// values used before they are made, input and output types Vitrine does not carry.
/// Errors: kDataLoss (empty or cut off: says where), kInvalidArgument (says what is refused and how
///         to avoid it), kResourceExhausted (beyond a limit).
/// Threads: any. Memory: about twice the model while it runs.
Result<ModelSummary> CheckModel(std::string_view bytes, const CheckLimits& limits = {});

/// Reads the file, then CheckModel. Errors: also kNotFound, kUnavailable (cannot read).
Result<ModelSummary> CheckModelFile(const std::string& path, const CheckLimits& limits = {});

}  // namespace vitrine::graph
