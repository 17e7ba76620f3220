/// Tensors from and to the messages of api/inference.proto. Internal. Threads: functions.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "serve/batching/inference_task.h"
#include "vitrine_inference/inference.pb.h"

namespace vitrine::rpc {

/// Reads the inputs, raw or typed, into `inputs`, whose memory is used again.
/// Errors: kInvalidArgument (names the input: type, shape, too few or too many values, one that its type does not
///         hold; raw and typed contents mixed), kUnimplemented (shared memory, sequences, classification).
Status ReadInputs(const ::inference::ModelInferRequest& request, std::vector<Tensor>& inputs);

/// How a request wants to wait for its model.
struct QueueWishes {
  serve::Priority priority = serve::Priority::kNormal;
  std::chrono::microseconds timeout{0};  ///< 0: none
};
/// Of the parameters `priority` and `timeout` (microseconds).
/// Errors: kInvalidArgument (one that is not a whole number, or below zero).
Result<QueueWishes> ReadWishes(const ::inference::ModelInferRequest& request);

/// Writes the answer, values raw, outputs that were asked for by name in that order.
/// Errors: kInvalidArgument (an output that the model does not have).
Status WriteAnswer(const ::inference::ModelInferRequest& request, std::string_view model,
                   std::string_view version, const std::vector<Tensor>& outputs,
                   ::inference::ModelInferResponse& answer);

}  // namespace vitrine::rpc
