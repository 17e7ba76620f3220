/// Inside graph/ only: what the builder's Finish and the check of foreign models share. Includes
/// the ONNX schema.
#pragma once

#include <vitrine_onnx/onnx.pb.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"
#include "graph/check.h"

namespace vitrine::graph {

std::optional<DType> DTypeOfOnnx(std::int32_t onnx_type);
std::int32_t OnnxTypeOf(DType type);

/// Counts made while a graph is walked.
struct GraphCounts {
  std::size_t nodes = 0;
  std::uint64_t initializer_bytes = 0;
  std::set<std::string> operators;
};

/// Checks a graph and the graphs inside its nodes: names are defined once and before use, operators
/// are standard, tensors hold the bytes that their shapes say and live in the file.
Status CheckGraph(const vitrine_onnx::GraphProto& graph, const CheckLimits& limits,
                  GraphCounts& counts);

/// Name, type and shape of a graph's input or output. Errors: kInvalidArgument (not a tensor of a
/// type Vitrine carries).
Result<TensorSpec> SpecOf(const vitrine_onnx::ValueInfoProto& info, const char* what);

}  // namespace vitrine::graph
