/// Requests and answers of the Open Inference Protocol v2, from the client's side: JSON, or JSON followed by raw
/// tensors (the extension binary_tensor_data). What a server says is checked before it is used.
/// Threads: functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::adapters {

/// What a server says of a model.
struct OutsideModel {
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

/// Reads GET /v2/models/MODEL. Errors: kDataLoss (not what the protocol says: names the field).
Result<OutsideModel> ParseModel(std::string_view json);

/// True where GET /v2 names the extension.
bool SpeaksBinary(std::string_view server_json);

/// Of `inputs` those that `wanted` names, in its order. Returns the bytes of the JSON at the beginning of
/// `body` where raw tensors follow it, else 0.
/// Precondition: each wanted tensor is there, int64 or floating.
std::size_t WriteInfer(std::span<const Tensor> inputs, const std::vector<TensorSpec>& wanted,
                       std::string_view output, bool binary, std::string& body);

/// Takes one output out of an answer: float32 or float64, of any shape. `json_bytes`: as the answer's header
/// says; 0: it is JSON alone.
/// Errors: kDataLoss (names what is wrong).
Status ReadInfer(std::string_view body, std::size_t json_bytes, std::string_view output,
                 Tensor& scores);

}  // namespace vitrine::adapters
