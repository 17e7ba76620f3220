/// What the Open Inference Protocol v2 says the same over HTTP and gRPC: names, states, refusals.
/// Threads: functions.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"
#include "serve/batching/inference_task.h"
#include "serve/model_states.h"

namespace vitrine::inference {

inline constexpr std::string_view kServerName = "vitrine";
inline constexpr std::string_view kPlatform = "onnxruntime_onnx";
inline constexpr std::string_view kBackend = "onnxruntime";
/// Extensions of Triton's that are spoken, by its names.
inline constexpr std::array<std::string_view, 4> kExtensions = {
    "binary_tensor_data", "model_configuration", "model_repository", "statistics"};
/// Microseconds that a request may ask to wait at most; nobody waits longer than a day.
inline constexpr std::uint64_t kLongestTimeout = 86'400'000'000;

/// Of a request's parameter `priority`, of which 0 is the default and 1 comes first.
serve::Priority PriorityOf(std::uint64_t number);

/// "TYPE_FP32", "TYPE_STRING": how a configuration names a type.
std::string ConfigTypeName(DType type);
/// The axes of a tensor that a configuration lists. With a bound on rows the first axis is the
/// batch's, and left out, as Triton's clients expect; else shapes are given whole.
std::span<const std::int64_t> ConfigDims(const Manifest& manifest, const TensorSpec& tensor);
/// "READY", "LOADING" or "UNAVAILABLE": how a repository's index names a version's state.
std::string_view IndexState(serve::VersionState state);

/// kUnimplemented each.
Status NoSequences();
Status NoClassification();
Status NoSharedInputs();
Status NoSharedOutputs();

}  // namespace vitrine::inference
