/// The bodies of the Open Inference Protocol v2 over HTTP: JSON, and JSON followed by raw tensors
/// (the extension binary_tensor_data). Source: the protocol's REST document, and Triton's extension.
/// Internal. Threads: values and functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::http {

/// What a request asks of an output.
struct WantedOutput {
  std::string name;
  std::optional<bool> binary;  ///< none: as the request says for all
};

struct InferenceBody {
  std::string id;                        ///< echoed
  std::uint64_t priority = 0;            ///< 1 is the highest; 0: the default
  std::chrono::microseconds timeout{0};  ///< of the wait for a run; 0: none
  bool binary_outputs = false;
  std::vector<Tensor> inputs;
  std::vector<WantedOutput> outputs;  ///< empty: all
};

/// Reads a request: the first `json_bytes` of `body` are JSON, the rest raw tensors in the order of
/// the inputs. `readable` bytes may be read from the body's start on, some more than it has.
/// Memory: what the tensors say that they hold is compared with what came before it is reserved.
/// Errors: kInvalidArgument (names the field or the input), kUnimplemented (shared memory,
///         sequences, classification).
Status ReadInference(std::string_view body, std::size_t json_bytes, std::size_t readable,
                     InferenceBody& out);

/// A body that is nothing but the values of the model's one input. The first axis of free size is
/// settled by the number of values, or is 1 where a later one is free too.
/// Errors: kInvalidArgument (several inputs, or the values do not fit).
Status ReadRawInference(std::string_view body, const std::vector<TensorSpec>& inputs,
                        InferenceBody& out);

/// Appends the answer to `out`; returns the bytes of its JSON where raw tensors follow it, else 0.
/// Outputs that were asked for by name come in that order.
/// Errors: kInvalidArgument (an output that the model does not have).
Result<std::size_t> WriteInference(std::string_view model, std::string_view version,
                                   const InferenceBody& request, const std::vector<Tensor>& outputs,
                                   std::string& out);

}  // namespace vitrine::http
