/// Port: runs an artifact's graph. Implemented by adapters/onnxruntime; a fake in adapters/memory.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"

namespace vitrine::serve {

/// One loaded graph, shared by all callers.
/// Threads: Run from any thread at once.
class LoadedGraph {
 public:
  virtual ~LoadedGraph() = default;
  [[nodiscard]] virtual const std::vector<TensorSpec>& inputs() const = 0;
  [[nodiscard]] virtual const std::vector<TensorSpec>& outputs() const = 0;
  /// Inputs by name, any order; outputs in the graph's order.
  /// Errors: kInvalidArgument (names the tensor: missing, type, shape), kInternal (the graph failed).
  virtual Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const = 0;
  /// The same where another server may run it: waits no longer than that. Errors beside Run's:
  /// kUnavailable, kDeadlineExceeded, kResourceExhausted.
  virtual Status RunUntil(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                          Deadline /*deadline*/) const {
    return Run(inputs, outputs);
  }
};

struct RuntimeOptions {
  int intra_op_threads = 1;  ///< 1: requests are the parallelism; spinning is off above 1
};

class ModelRuntime {
 public:
  virtual ~ModelRuntime() = default;
  /// Loads, checks (no external data, no custom operators) and optimises a model file.
  /// Errors: kNotFound, kInvalidArgument (not a model: says why), kDataLoss (truncated).
  virtual Result<std::unique_ptr<LoadedGraph>> Load(const std::string& model_path,
                                                    const RuntimeOptions& options) = 0;
};

}  // namespace vitrine::serve
