/// serve::ModelRuntime on ONNX Runtime.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/status.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// What executes the graphs. Inputs and outputs are in the machine's own memory for all of them.
enum class ExecutionProvider : std::uint8_t { kCpu, kCuda };

/// "cpu", "cuda". Errors: kInvalidArgument (says what there is).
Result<ExecutionProvider> ParseExecutionProvider(std::string_view name);

/// One environment and one shared, shrinking memory arena for all graphs loaded through it; one
/// session per graph, shared by its callers; intra-op threads as asked (1 by default), no spinning,
/// no custom operators. Every file passes graph::CheckModel before ONNX Runtime sees it. What the CUDA
/// provider cannot run of a graph, the CPU runs.
/// Errors:  kUnavailable (the ONNX Runtime library is older than the headers), kFailedPrecondition (it
///          was built without this provider: says with which).
/// Threads: Load and Run from any thread. Graphs may outlive the runtime.
Result<std::unique_ptr<serve::ModelRuntime>> MakeOnnxRuntime(
    ExecutionProvider provider = ExecutionProvider::kCpu);

}  // namespace vitrine::adapters
