/// serve::ModelRuntime on ONNX Runtime's CPU provider.
#pragma once

#include <memory>

#include "core/status.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// One environment and one shared, shrinking memory arena for all graphs loaded through it; one
/// session per graph, shared by its callers; intra-op threads as asked (1 by default), no spinning,
/// no custom operators. Every file passes graph::CheckModel before ONNX Runtime sees it.
/// Errors:  kUnavailable (the ONNX Runtime library is older than the headers).
/// Threads: Load and Run from any thread. Graphs may outlive the runtime.
Result<std::unique_ptr<serve::ModelRuntime>> MakeOnnxRuntime();

}  // namespace vitrine::adapters
